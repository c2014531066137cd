/**
 * How late this host wakes a program that sleeps: what the timing of a takeover rests on.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import { Poller } from "../../../ffi/epoll.ts";

/** Length of a sleep, and how many: 2 s in all. */
const sleepMs = 10;
const sleeps = 200;
/** Sleeps after which the program's own events are let in. */
const batch = 20;

/** What was measured, ms. */
export interface Lateness {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Median, 99th of 100 and greatest of a list that is not empty. Pure. */
export function summarize(samplesMs: readonly number[]): Lateness {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
  return { medianMs: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1)! };
}

/** Timings of a takeover, as the configuration names them. */
export interface TimingProfile {
  readonly name: "lan" | "vm" | "slow";
  readonly advertiseInterval: string;
  readonly downAfter: string;
}

/**
 * Profiles from the fastest. A wake-up later than the interval delays an advertisement; one later
 * than the lease (dead time without two intervals) costs the addresses. Half of it is the limit.
 */
const profiles: readonly (TimingProfile & { readonly p99Ms: number; readonly maxMs: number })[] = [
  { name: "lan", advertiseInterval: "20ms", downAfter: "300ms", p99Ms: 20, maxMs: 130 },
  { name: "vm", advertiseInterval: "50ms", downAfter: "1s", p99Ms: 50, maxMs: 450 },
];

const slow: TimingProfile = { name: "slow", advertiseInterval: "1s", downAfter: "3s" };

/** The fastest profile that such a host can keep. Pure. */
export function recommendProfile({ p99Ms, maxMs }: Lateness): TimingProfile {
  return profiles.find((one) => p99Ms <= one.p99Ms && maxMs <= one.maxMs) ?? slow;
}

/** Sleeps 200 times for 10 ms and looks how late each ends. */
export async function measureLateness(): Promise<Lateness> {
  const poller = new Poller(1);
  const samplesMs: number[] = [];
  try {
    while (samplesMs.length < sleeps) {
      const startMs = monotonicMs();
      poller.wait(sleepMs);
      samplesMs.push(Math.max(0, monotonicMs() - startMs - sleepMs));
      if (samplesMs.length % batch === 0) await Bun.sleep(0);
    }
  } finally {
    poller.close();
  }
  return summarize(samplesMs);
}
