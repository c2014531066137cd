/**
 * What a thread that must not be late asks of the kernel: a real-time scheduling class
 * (sched_setscheduler(2)), or at least a better nice value (setpriority(2)), memory that is not
 * paged out (mlockall(2), mlock2(2)), a name and exact short sleeps (prctl(2), nanosleep(2)). All
 * but the memory concern the calling thread alone.
 *
 * @module
 */

import { errnoName } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";
import { fileMappings, lockPages } from "./memory.ts";

const SCHED_FIFO = 1;
const PRIO_PROCESS = 0;
const PR_SET_NAME = 15;
const PR_SET_TIMERSLACK = 29;
const MCL_CURRENT = 1;
const MCL_ONFAULT = 4;
/** Names of threads have room for 15 bytes and a NUL. */
const nameBytes = 16;

/** What a thread got. */
export type ThreadClass =
  | { readonly kind: "fifo"; readonly priority: number }
  | { readonly kind: "nice"; readonly nice: number; readonly reason: string }
  | { readonly kind: "normal"; readonly reason: string };

/** Nice value where SCHED_FIFO is refused. */
const niceFallback = -20;

/**
 * Puts the calling thread before all others: SCHED_FIFO of `priority` 1..99 where that is permitted
 * (CAP_SYS_NICE or RLIMIT_RTPRIO, and no CONFIG_RT_GROUP_SCHED), else nice -20, else nothing.
 */
export function preferThread(priority: number): ThreadClass {
  const parameter = new Int32Array([priority]);
  if (libc.sched_setscheduler(0, SCHED_FIFO, addressOf(parameter)) === 0) {
    return { kind: "fifo", priority };
  }
  const refused = `SCHED_FIFO: ${errnoName(errno())}`;
  if (libc.setpriority(PRIO_PROCESS, 0, niceFallback) === 0) {
    return { kind: "nice", nice: niceFallback, reason: refused };
  }
  return { kind: "normal", reason: `${refused}, nice: ${errnoName(errno())}` };
}

/**
 * Keeps the pages that the process uses now in memory, and later ones once they were touched. Room
 * that is only reserved is not filled: a JavaScript heap reserves gigabytes.
 *
 * @returns Why not, or undefined.
 */
export function lockMemory(): string | undefined {
  if (libc.mlockall(MCL_CURRENT | MCL_ONFAULT) === 0) return undefined;
  return errnoName(errno());
}

/**
 * Keeps the program itself in memory: code and constants, each page once it was used. They are what
 * the kernel drops first when memory is short. The heap stays free to be given back.
 *
 * @param maps Text of /proc/self/maps. @returns Why not, or undefined.
 */
export function lockProgram(maps: string): string | undefined {
  for (const { start, bytes } of fileMappings(maps, "all")) {
    if (!lockPages(start, bytes)) return errnoName(errno());
  }
  return undefined;
}

/** Names the calling thread, as `ps -L` and /proc show it; what is longer than 15 bytes is cut. */
export function nameThread(name: string): void {
  const bytes = new Uint8Array(nameBytes);
  new TextEncoder().encodeInto(name, bytes.subarray(0, nameBytes - 1));
  libc.prctl(PR_SET_NAME, addressOf(bytes), 0, 0, 0);
}

/** A sleep of some microseconds, always the same. Allocates nothing when it is taken. */
export class ShortSleep {
  readonly #timespec: BigInt64Array;
  readonly #address: Pointer;

  /**
   * Also takes the slack of 50 µs off the timers of the calling thread, which is the one to sleep.
   *
   * @param durationNs 1 to 999,999,999.
   */
  constructor(durationNs: number) {
    this.#timespec = new BigInt64Array([0n, BigInt(durationNs)]);
    this.#address = addressOf(this.#timespec);
    // In ns; 0 would mean the default.
    libc.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  }

  /** Sleeps. Shorter only if a signal comes. */
  take(): void {
    libc.nanosleep(this.#address, null);
  }
}
