/**
 * The status block: what the real-time thread tells the main thread without messages.
 *
 * ```text
 * process row  [16 words]   beat, wake-ups, late wake-ups, worst lateness, fence repairs
 * rows         [256][64]    one a slot: see `statusWord`; from `results` on one word a result
 * peer row     [64 words]   the peer channel: see `peerWord`
 * ```
 * float64, written by the real-time thread alone; read by anybody. A number is stored at once; two
 * numbers of a row may be of two moments.
 *
 * @module
 */

import { peerResults } from "../peer/index.ts";
import { advertisementResults } from "../vrrp/index.ts";

/** Words of the process row. */
export const processWord = {
  /** Time of the last wake-up, ms of the monotonic clock. */
  beatAtMs: 0,
  wakeups: 1,
  /** Wake-ups that were late by more than half of the interval. */
  lateWakeups: 2,
  /** Worst lateness so far, ms. */
  latenessMaxMs: 3,
  /** How often the fence was not first at a device and was put back. */
  fenceRepairs: 4,
  /** 1 if the guard lives. */
  hasGuard: 5,
} as const;

/** Words of a slot's row. */
export const statusWord = {
  /** 1 while the slot is in use. */
  isUsed: 0,
  /** A value of `routerState`. */
  state: 1,
  /** ms of the monotonic clock. */
  changedAtMs: 2,
  /** A value of `cause`. */
  lastCause: 3,
  /** Why it is not promoted though it could be; 0 if nothing blocks. */
  blockedBy: 4,
  /** End of the lease, ms of the monotonic clock. */
  leaseEndMs: 5,
  /** Priority in force. */
  priority: 6,
  /** Last active director heard: when, with which priority, and its address in four words. */
  heardAtMs: 7,
  heardPriority: 8,
  heardFrom: 9,
  heardFromLength: 13,
  sent: 14,
  conflicts: 15,
  announcements: 16,
  transitions: 17,
  /** Addresses that are on the host now. */
  addressesHeld: 18,
  /** Until when it serves connections of before a handover, ms of the monotonic clock; 0: not. */
  drainUntilMs: 19,
  /** 1 if the peer said last that it is active. */
  isPeerActive: 20,
  /** One word a result of `advertisementResults`. */
  results: 24,
} as const;

/** Words of the peer channel's row. Times are ms of the monotonic clock. */
export const peerWord = {
  /** 1 with a peer. */
  isConfigured: 0,
  isReachable: 1,
  /** When it was heard last; not above 0 if never. */
  heardAtMs: 2,
  /** When our newest message that it has heard was sent; not above 0 if none. */
  answeredAtMs: 3,
  /** Below 0: unknown. */
  roundTripMs: 4,
  /** A value of `difference` each: of the configurations, and of the tables of services. */
  configuration: 5,
  boots: 6,
  sent: 7,
  unsent: 8,
  dropped: 9,
  unmatched: 10,
  tables: 11,
  /** One word a result of `peerResults`. */
  results: 24,
} as const;

const processWords = 16;
const rowWords = 64;
const slots = 256;

/** Index of the first word of the peer channel's row. */
export const peerRow = processWords + slots * rowWords;

/** Bytes of the block. */
export const statusBlockBytes = (peerRow + rowWords) * 8;

/** Number of the last word used; the row has room for it. */
export const lastPeerWord = peerWord.results + peerResults.length - 1;

/** An empty block. */
export function createStatusBlock(): SharedArrayBuffer {
  return new SharedArrayBuffer(statusBlockBytes);
}

/** The block as numbers. */
export function statusWords(block: SharedArrayBuffer): Float64Array {
  return new Float64Array(block);
}

/** Index of the first word of a slot. */
export function rowOf(slot: number): number {
  return processWords + slot * rowWords;
}

/** Number of the last word used; the row has room for it. */
export const lastResultWord = statusWord.results + advertisementResults.length - 1;
