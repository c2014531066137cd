/**
 * What a director knows of the other one by the peer channel, and how the two rank. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import { unfitPriorityMax } from "./election.ts";
import { claim, override } from "./event.ts";
import type { PeerEvent } from "./event.ts";

/** The last message of the peer. Meaning of the fields: see `PeerEvent`. */
export interface PeerView {
  /** When it came; -Infinity if never. */
  atMs: number;
  state: number;
  priority: number;
  readonly address: Uint8Array;
  addressLength: number;
  isEligible: boolean;
  isWitnessReached: boolean;
  claim: number;
  override: number;
  announcements: number;
  isDraining: boolean;
}

/** A peer that was never heard. */
export function createPeerView(): PeerView {
  return {
    atMs: -Infinity,
    state: 0,
    priority: 0,
    address: new Uint8Array(16),
    addressLength: 0,
    isEligible: false,
    isWitnessReached: true,
    claim: claim.none,
    override: override.none,
    announcements: 0,
    isDraining: false,
  };
}

/** Copies a message into the view: the event is used again by the driver. */
export function storePeer(view: PeerView, event: PeerEvent, nowMs: number): void {
  view.atMs = nowMs;
  view.state = event.state;
  view.priority = event.priority;
  view.addressLength = Math.min(16, event.address.length);
  for (let index = 0; index < view.addressLength; index++) {
    view.address[index] = event.address[index]!;
  }
  view.isEligible = event.isEligible;
  view.isWitnessReached = event.isWitnessReached;
  view.claim = event.claim;
  view.override = event.override;
  view.announcements = event.announcements;
  view.isDraining = event.isDraining;
}

/** This node, as far as the ranking needs it. */
export interface OwnRank {
  readonly priority: number;
  readonly address: AddressBytes;
  readonly isWitnessReached: boolean;
}

/**
 * Priority of one node beside the other: who alone does not reach its ping witnesses counts as
 * unfit, as it is probably the one that is cut off.
 */
function rankOf(priority: number, isReached: boolean, isOtherReached: boolean): number {
  return !isReached && isOtherReached ? Math.min(priority, unfitPriorityMax) : priority;
}

/** Difference of the priorities with witnesses counted: positive if the peer has the higher one. */
export function peerAdvantage(view: PeerView, own: OwnRank): number {
  const peerRank = rankOf(view.priority, view.isWitnessReached, own.isWitnessReached);
  const ownRank = rankOf(own.priority, own.isWitnessReached, view.isWitnessReached);
  return peerRank - ownRank;
}

/** Order of the two as in VRRP, priority then address: positive if the peer wins. */
export function comparePeer(view: PeerView, own: OwnRank): number {
  const difference = view.priority - own.priority;
  if (difference !== 0) return difference;
  for (let index = 0; index < view.addressLength; index++) {
    const byteDifference = view.address[index]! - (own.address[index] ?? 0);
    if (byteDifference !== 0) return byteDifference;
  }
  return 0;
}
