/**
 * Where a director keeps its files.
 *
 * Two directors run on one host when each has its own directories. Pure.
 *
 * @module
 */

/** Directories of one director, absolute. */
export interface Directories {
  /** What must survive a restart. */
  readonly state: string;
  /** What must not: sockets and locks. */
  readonly runtime: string;
}

/** From `APPLIANCE_STATE_DIR` and `APPLIANCE_RUNTIME_DIR`, else the usual places. */
export function directoriesOf(
  environment: Readonly<Record<string, string | undefined>>,
): Directories {
  const { APPLIANCE_STATE_DIR: state, APPLIANCE_RUNTIME_DIR: runtime } = environment;
  return {
    state: state === undefined || state === "" ? "/var/lib/appliance" : state,
    runtime: runtime === undefined || runtime === "" ? "/run/appliance" : runtime,
  };
}

/** Path of the control socket in a runtime directory. */
export function controlSocketPath({ runtime }: Pick<Directories, "runtime">): string {
  return `${runtime}/control.sock`;
}
