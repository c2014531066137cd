/**
 * The status block in words. Pure.
 *
 * @module
 */

import { formatAddress } from "../net/address.ts";
import { advertisementResults, causeNames, stateNames } from "../vrrp/index.ts";
import type { AdvertisementResult, CauseName } from "../vrrp/index.ts";
import { rowOf, statusWord } from "./layout.ts";
import type { InstancePlan } from "./plan.ts";
import type { InstanceState } from "./protocol.ts";

/** One virtual router, as it is now. */
export interface InstanceView {
  readonly name: string;
  readonly vrid: number;
  readonly addresses: readonly string[];
  readonly state: InstanceState;
  /** Priority in force. */
  readonly priority: number;
  /** Since the last change of state, ms. */
  readonly stateAgeMs: number;
  readonly lastCause: CauseName;
  /** Why it is not active though it could be. */
  readonly blockedBy: CauseName | undefined;
  /** How long it may still answer, ms; 0: not at all. */
  readonly leaseRemainingMs: number;
  /** How long connections of before a handover may still finish here, ms; 0: none does. */
  readonly drainRemainingMs: number;
  /** The other director said on the peer channel that it has the addresses. */
  readonly isPeerActive: boolean;
  /** The active director that was heard last. */
  readonly heard: HeardView | undefined;
  readonly transitions: number;
  readonly conflicts: number;
  readonly advertisementsSent: number;
  readonly advertisementsReceived: Readonly<Partial<Record<AdvertisementResult, number>>>;
}

/** An active director that was heard. */
export interface HeardView {
  readonly address: string;
  readonly priority: number;
  readonly ageMs: number;
}

function heardOf(word: (index: number) => number, nowMs: number): HeardView | undefined {
  const length = word(statusWord.heardFromLength);
  if (length === 0) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let part = 0; part < 4; part++) view.setUint32(part * 4, word(statusWord.heardFrom + part));
  return {
    address: formatAddress(bytes.subarray(0, length)),
    priority: word(statusWord.heardPriority),
    ageMs: nowMs - word(statusWord.heardAtMs),
  };
}

/** Reads the row of one virtual router at `nowMs` of the monotonic clock. */
export function readInstance(
  words: Float64Array,
  { name, vrid, slot, addresses }: InstancePlan,
  nowMs: number,
): InstanceView {
  const row = rowOf(slot);
  const word = (index: number): number => words[row + index]!;
  const blockedBy = word(statusWord.blockedBy);
  const results = advertisementResults.flatMap((result, index) => {
    const count = word(statusWord.results + index);
    return count === 0 ? [] : [[result, count] as const];
  });
  return {
    name,
    vrid,
    addresses: addresses.map(({ address }) => address),
    state: stateNames[word(statusWord.state)]!,
    priority: word(statusWord.priority),
    stateAgeMs: nowMs - word(statusWord.changedAtMs),
    lastCause: causeNames[word(statusWord.lastCause)]!,
    blockedBy: blockedBy === 0 ? undefined : causeNames[blockedBy],
    leaseRemainingMs: Math.max(0, word(statusWord.leaseEndMs) - nowMs),
    drainRemainingMs: Math.max(0, word(statusWord.drainUntilMs) - nowMs),
    isPeerActive: word(statusWord.isPeerActive) === 1,
    heard: heardOf(word, nowMs),
    transitions: word(statusWord.transitions),
    conflicts: word(statusWord.conflicts),
    advertisementsSent: word(statusWord.sent),
    advertisementsReceived: Object.fromEntries(results),
  };
}
