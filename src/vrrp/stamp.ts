/**
 * Whether a signed packet is new, by its time stamp and this host's monotonic clock.
 *
 * No wall clock of ours takes part: the sender's last stamp is aged by the own monotonic clock, and
 * the next one must be greater than the last and near what that predicts. A validly signed packet
 * outside of the window means that a clock jumped or that an old packet is played back: a clock
 * alarm, which holds back promotion for one dead time (event `clock-alarm`). Pure.
 *
 * @module
 */

import type { Stamp } from "./auth-hmac.ts";
import type { AdvertisementResult } from "./result.ts";

/** What is known of one sender. One for each peer; the caller owns it. */
export interface StampWindow {
  /** Half width of the window, in ms. */
  readonly windowMs: number;
  /** False until the first packet. */
  isSet: boolean;
  /** Stamp of the last accepted packet, in units of 1/65536 s, and its counter. */
  ticks: number;
  counter: number;
  /** When it came, in ms of the monotonic clock. */
  atMs: number;
}

const ticksPerSecond = 65_536;
/** keepalived's own window is never smaller than this (max(3 x interval, 5 s)). */
const windowMsMin = 5000;

/** An empty window for a sender with this interval on the wire, in ms. */
export function createStampWindow(intervalMs: number): StampWindow {
  const windowMs = Math.max(3 * intervalMs, windowMsMin);
  return { windowMs, isSet: false, ticks: 0, counter: 0, atMs: 0 };
}

function isAfter(window: StampWindow, ticks: number, counter: number): boolean {
  return ticks > window.ticks || (ticks === window.ticks && counter > window.counter);
}

function store(window: StampWindow, stamp: Stamp, nowMs: number): void {
  window.isSet = true;
  window.ticks = stamp.seconds * ticksPerSecond + stamp.subseconds;
  window.counter = stamp.counter;
  window.atMs = nowMs;
}

/**
 * Judges the stamp of a packet whose HMAC is right.
 *
 * A stamp far ahead is an alarm once and then the new base: the sender's clock was set. One far
 * behind is an alarm each time and never a base, as it may be an old packet.
 */
export function judgeStamp(
  window: StampWindow,
  stamp: Stamp,
  nowMs: number,
): Extract<AdvertisementResult, "accepted" | "replayed" | "clock-alarm"> {
  const ticks = stamp.seconds * ticksPerSecond + stamp.subseconds;
  const isNew = !window.isSet || isAfter(window, ticks, stamp.counter);
  const predicted = window.ticks + ((nowMs - window.atMs) * ticksPerSecond) / 1000;
  const offMs = window.isSet ? ((ticks - predicted) * 1000) / ticksPerSecond : 0;
  if (Math.abs(offMs) > window.windowMs) {
    if (isNew) store(window, stamp, nowMs);
    return "clock-alarm";
  }
  if (!isNew) return "replayed";
  store(window, stamp, nowMs);
  return "accepted";
}
