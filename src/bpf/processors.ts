/**
 * How many copies a per-CPU value has: one for each processor that the host may ever have, also for
 * those that are off or not this process's.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** Processors up to the last one of a list of the kernel, `0-3,8`. */
export function countPossible(list: string): number {
  const last = /(\d+)\s*$/.exec(list);
  return last === null ? 1 : Number(last[1]) + 1;
}

/** Possible processors of this host. */
export function possibleProcessors(): number {
  return countPossible(readFileSync("/sys/devices/system/cpu/possible", "utf8"));
}
