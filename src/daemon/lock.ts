/**
 * One director for each runtime directory.
 *
 * A lock on a file in it ends with the process, however that ends. Who finds the lock free may
 * still meet a director whose lock file was removed under it: it answers on the control socket.
 * A socket that does not answer is left over and is removed.
 *
 * @module
 */

import { closeSync, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { tryLockFile } from "../../ffi/lock.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { controlSocketPath } from "./directories.ts";

/** The right to be the director; give it back at the end. */
export interface DirectorLock {
  /** Who has a copy of the descriptor has the lock too. */
  readonly fd: number;
  /** Ends the lock. The file stays: to remove it would let two processes lock two files. */
  release(): void;
}

/** True if somebody accepts connections on the Unix socket at `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function runsAlready(runtime: string): ApplianceError {
  return new ApplianceError(
    "DIRECTOR_RUNNING",
    `Cannot start: another director runs with the runtime directory ${runtime}; ` +
      "stop it, or set APPLIANCE_RUNTIME_DIR and APPLIANCE_STATE_DIR for this one",
  );
}

/**
 * Makes the runtime directory if needed and takes its lock.
 *
 * @throws {ApplianceError} `DIRECTOR_RUNNING` if another director has it,
 *   `DIRECTOR_RUNTIME_DIR` if the directory cannot be made or written.
 */
export async function lockRuntimeDirectory(runtime: string): Promise<DirectorLock> {
  let fd: number;
  try {
    mkdirSync(runtime, { recursive: true, mode: 0o755 });
    fd = openSync(join(runtime, "director.lock"), "a", 0o600);
  } catch (error) {
    throw new ApplianceError(
      "DIRECTOR_RUNTIME_DIR",
      `Cannot use the runtime directory ${runtime}: ${errorText(error)}; ` +
        "run as root, or set APPLIANCE_RUNTIME_DIR to a directory that you may write",
      { cause: error },
    );
  }
  try {
    if (!tryLockFile(fd)) throw runsAlready(runtime);
    const socketPath = controlSocketPath({ runtime });
    if (existsSync(socketPath)) {
      if (await answers(socketPath)) throw runsAlready(runtime);
      rmSync(socketPath, { force: true });
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, release: () => closeSync(fd) };
}
