/**
 * One benchmark at a time: two would measure each other.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { tryLockFile } from "../../ffi/lock.ts";

/**
 * Takes the lock of this machine's benchmarks; it ends with the process.
 *
 * @throws {Error} if another one runs.
 */
export function takeTurn(): Disposable {
  const path = join(tmpdir(), "appliance-bench.lock");
  const fd = openSync(path, "w");
  if (!tryLockFile(fd)) {
    closeSync(fd);
    throw new Error(`Cannot measure: another benchmark runs (it holds ${path})`);
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
