/**
 * Exit status of a director that could not start (sysexits.h(3), as the product's commands have
 * them). Pure.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";

/** The statuses that `run` ends with. */
export const directorExit = {
  ok: 0,
  /** The configuration is wrong. */
  dataError: 65,
  /** A configuration file is missing. */
  noInput: 66,
  /** Something that it needs is taken, for example a port. */
  unavailable: 69,
  internal: 70,
  /** Another director runs. */
  busy: 75,
  permission: 77,
} as const;
/** One of {@link directorExit}. */
export type DirectorExit = (typeof directorExit)[keyof typeof directorExit];

const statusByCode: Readonly<Record<string, DirectorExit>> = {
  CONFIG_INVALID: directorExit.dataError,
  DIRECTOR_RUNNING: directorExit.busy,
  DIRECTOR_RUNTIME_DIR: directorExit.permission,
  DIRECTOR_LISTEN_NOT_PERMITTED: directorExit.permission,
  CONFIG_FILE_MISSING: directorExit.noInput,
  CONFIG_FILE_PERMISSION: directorExit.permission,
  CONFIG_FILE_UNREADABLE: directorExit.noInput,
  // The limit is what the host permits.
  CONFIG_TOO_MANY_LISTENERS: directorExit.permission,
  LDIRECTORD_MANAGED: directorExit.busy,
  LDIRECTORD_PID_FILE: directorExit.permission,
  LISTEN_NOT_PERMITTED: directorExit.permission,
  PEER_KEY_FILE: directorExit.permission,
  STATUS_TOKEN_FILE: directorExit.permission,
};

/** errno of the innermost cause that has one, for example `EACCES`. */
function errnoOf(error: unknown): string | undefined {
  let found: string | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = "code" in cause ? cause.code : undefined;
    if (typeof code === "string" && /^E[A-Z]+$/.test(code)) found = code;
  }
  return found;
}

/** Exit status for whatever kept the director from starting. */
export function exitStatusOf(error: unknown): DirectorExit {
  const byCode = error instanceof ApplianceError ? statusByCode[error.code] : undefined;
  if (byCode !== undefined) return byCode;
  const errno = errnoOf(error);
  if (errno === "EACCES" || errno === "EPERM") return directorExit.permission;
  // What failed with an errno failed by the state of this host, all else by a bug.
  return errno === undefined && !(error instanceof ApplianceError)
    ? directorExit.internal
    : directorExit.unavailable;
}
