/**
 * The pid files of a director that runs from one or several ldirectord.cf: there as long as the
 * file is served here. One that is a resource of haresources is served by the active director only,
 * as Heartbeat starts and stops ldirectord. Owns the files until it is closed.
 *
 * @module
 */

import { removePidFile, writePidFile } from "./pid-file.ts";

/** The pid files of one ldirectord.cf. */
export interface ServedFile {
  readonly pidFiles: readonly string[];
  /** Virtual routers whose resource it is; empty: it is served always. */
  readonly routers: readonly string[];
}

/** See the module's head. */
export interface PidFiles {
  /** A virtual router is active here, or is not any more. */
  follow(router: string, isActive: boolean): void;
  close(): void;
}

/**
 * Writes those that are served always; no virtual router is active yet.
 *
 * @param onFailure Called with what {@link writePidFile} throws.
 */
export function createPidFiles(
  served: readonly ServedFile[],
  onFailure: (error: unknown) => void,
): PidFiles {
  const active = new Set<string>();
  const written = new Set<string>();
  const bring = (): void => {
    for (const { pidFiles, routers } of served) {
      const isServed = routers.length === 0 || routers.some((name) => active.has(name));
      for (const path of pidFiles) {
        if (isServed === written.has(path)) continue;
        if (isServed) write(path);
        else remove(path);
      }
    }
  };
  const write = (path: string): void => {
    // One that cannot be written is not tried at each change.
    written.add(path);
    try {
      writePidFile(path);
    } catch (error) {
      onFailure(error);
    }
  };
  const remove = (path: string): void => {
    written.delete(path);
    removePidFile(path);
  };
  bring();
  return {
    follow(router, isActive) {
      if (isActive) active.add(router);
      else active.delete(router);
      bring();
    },
    close() {
      for (const path of written) removePidFile(path);
      written.clear();
    },
  };
}
