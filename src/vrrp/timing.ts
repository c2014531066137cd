/**
 * Times of a virtual router, derived from what is configured (RFC 9568, section 6.1).
 *
 * How often is sent and what the packet says are two things: listeners count three intervals *of
 * the wire*, so the wire says a third of the dead time, however often is sent. Otherwise a peer
 * takes over after two or three lost packets. Pure.
 *
 * @module
 */

import { intervalMsMax, intervalUnitMs } from "./advertisement.ts";
import type { VrrpVersion } from "./advertisement.ts";
import { leaseMsOf } from "./lease.ts";

/** Intervals without a packet after which an active director counts as gone. */
export const intervalsPerDeadTime = 3;
/**
 * Packets sent in a dead time, at least. With fewer the lease (dead time minus two of our
 * intervals) would hardly outlast the interval at which it is renewed.
 */
export const sendsPerDeadTimeMin = 6;

/** What is configured. */
export interface TimingOptions {
  readonly version: VrrpVersion;
  /** `advertise_interval`, in ms: how often to send, at most. */
  readonly advertiseIntervalMs: number;
  /** `down_after`, in ms: silence after which a backup takes over, without the skew time. */
  readonly downAfterMs: number;
}

/** What follows. All in ms. */
export interface Timing {
  /** How often an advertisement is sent. */
  readonly sendIntervalMs: number;
  /** Advertisement_Interval as the packet says it: a multiple of 10 ms, of 1 s in version 2. */
  readonly wireIntervalMs: number;
  /** Three intervals of the wire: the shortest silence after which a listener may take over. */
  readonly deadTimeMs: number;
  /** How long this director may answer after it last sent an advertisement. */
  readonly leaseMs: number;
}

/**
 * Derives the times. The wire's interval is rounded down to what the wire can say and kept within
 * its range; `validate.ts` says when that changed what was asked for.
 */
export function deriveTiming(options: TimingOptions): Timing {
  const { version, advertiseIntervalMs, downAfterMs } = options;
  const unitMs = intervalUnitMs(version);
  const units = Math.floor(downAfterMs / intervalsPerDeadTime / unitMs);
  const wireIntervalMs = Math.min(intervalMsMax(version), Math.max(1, units) * unitMs);
  const deadTimeMs = intervalsPerDeadTime * wireIntervalMs;
  const sendIntervalMs = Math.min(advertiseIntervalMs, deadTimeMs / sendsPerDeadTimeMin);
  return {
    sendIntervalMs,
    wireIntervalMs,
    deadTimeMs,
    leaseMs: leaseMsOf(deadTimeMs, sendIntervalMs),
  };
}

/**
 * Skew time in ms: lower priorities wait a little longer, so that the best backup is first.
 * Version 2 (RFC 3768, section 6.1) takes it of one second, version 3 of the interval.
 */
export function skewMs(version: VrrpVersion, priority: number, intervalMs: number): number {
  return ((256 - priority) / 256) * (version === 2 ? 1000 : intervalMs);
}

/** Active_Down_Interval with its skew, in ms. */
export function activeDownMs(version: VrrpVersion, priority: number, intervalMs: number): number {
  return intervalsPerDeadTime * intervalMs + skewMs(version, priority, intervalMs);
}
