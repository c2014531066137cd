/**
 * Where preparing a host keeps its files, by the environment. Pure.
 *
 * @module
 */

import { join } from "node:path";

/** Folders and files of setup and doctor, absolute. */
export interface HostPlaces {
  /** Stands before /etc and other system folders; `/` but in tests and images. */
  readonly root: string;
  readonly state: string;
  /** Files of what each setup found. */
  readonly realServerRecord: string;
  readonly directorRecord: string;
}

function setOr(value: string | undefined, other: string): string {
  return value === undefined || value === "" ? other : value;
}

/** From `APPLIANCE_ROOT_DIR` and `APPLIANCE_STATE_DIR`, else the usual places. */
export function placesOf(environment: Readonly<Record<string, string | undefined>>): HostPlaces {
  const state = setOr(environment["APPLIANCE_STATE_DIR"], "/var/lib/appliance");
  return {
    root: setOr(environment["APPLIANCE_ROOT_DIR"], "/"),
    state,
    realServerRecord: join(state, "setup-realserver.json"),
    directorRecord: join(state, "setup-director.json"),
  };
}
