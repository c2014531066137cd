/**
 * The lease: how long a director may answer for its virtual addresses after it last sent an
 * advertisement.
 *
 * It must end before any listener takes over, also when the last packets before a death were lost
 * or late. Listeners count from the last packet they *heard*, so the difference to the dead time is
 * how much may be lost: two of our intervals, and at least 20 ms for the latency of the host.
 * Pure.
 *
 * @module
 */

import type { VrrpVersion } from "./advertisement.ts";

/** Smallest difference between dead time and lease, in ms: a late wake-up of either host. */
export const leaseMarginMsMin = 20;

/** Difference between dead time and lease at this send interval, in ms. */
export function leaseMarginMs(sendIntervalMs: number): number {
  return Math.max(2 * sendIntervalMs, leaseMarginMsMin);
}

/** Lease in ms; not positive if the dead time is too short to have one. */
export function leaseMsOf(deadTimeMs: number, sendIntervalMs: number): number {
  return deadTimeMs - leaseMarginMs(sendIntervalMs);
}

/**
 * Shortest time in ms after which a listener of this version may take over once it has heard an
 * interval of `wireIntervalMs`: three intervals. The skew, which is 2/256 of an interval for the
 * best backup (of a second in version 2), is not counted. keepalived's `down_timer_adverts` can
 * make a listener faster; nothing on the wire tells of it.
 */
export function shortestTakeoverMs(version: VrrpVersion, wireIntervalMs: number): number {
  // Version 2 hears whole seconds only.
  const heardMs = version === 2 ? Math.floor(wireIntervalMs / 1000) * 1000 : wireIntervalMs;
  return 3 * heardMs;
}
