/**
 * CLOCK_MONOTONIC (clock_gettime(2)): the one time that all threads share. `performance.now()`
 * has an origin of its own in each thread.
 *
 * @module
 */

import { addressOf, libc } from "./libc.ts";
import { checkResult } from "./socket.ts";

const CLOCK_MONOTONIC = 1;
const timespec = new BigInt64Array(2);

/** Time since boot without sleep, ms with fraction; the same in every thread and process. */
export function monotonicMs(): number {
  checkResult(libc.clock_gettime(CLOCK_MONOTONIC, addressOf(timespec)), "clock_gettime", "");
  return Number(timespec[0]!) * 1000 + Number(timespec[1]!) / 1e6;
}
