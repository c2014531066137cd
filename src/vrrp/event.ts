/**
 * What can happen to a virtual router. The driver keeps one object of each kind and fills it anew,
 * so that hearing a packet allocates nothing. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";

/** An advertisement that was decoded and accepted. Fields are filled anew for each packet. */
export interface HeardEvent {
  readonly type: "heard";
  /** Primary address of the sender. */
  from: AddressBytes;
  /** Own primary address on the interface where it came in. */
  to: AddressBytes;
  /** 0..255. */
  priority: number;
  /** Interval of the wire in ms, above 0. */
  intervalMs: number;
}

/**
 * What a backup wants of the address: nothing, to preempt, an operator's takeover; or it tells
 * another backup that it is about to be active, so that the two are not at once.
 */
export const claim = { none: 0, preempt: 1, takeover: 2, force: 3, promote: 4 } as const;

/** What an operator said: nothing, `standby`, `takeover`, `takeover --force`. */
export const override = { none: 0, standby: 1, takeover: 2, force: 3 } as const;

/** State of the other director as its last message on the peer channel said. */
export interface PeerEvent {
  readonly type: "peer";
  /** A value of `routerState`. */
  state: number;
  /** Its priority in force, 0..255. */
  priority: number;
  /** The address by which it is ranked: its primary address on its first interface. */
  address: AddressBytes;
  /** False if something keeps it from being active. */
  isEligible: boolean;
  isWitnessReached: boolean;
  /** A value of {@link claim}. */
  claim: number;
  /** A value of {@link override}. */
  override: number;
  /** How often it has begun to announce the addresses since it started. */
  announcements: number;
  /** It has handed the addresses over, and still serves the connections that it had. */
  isDraining: boolean;
}

/** Everything that can happen. Times are in the argument of `transition`, not here. */
export type RouterEvent =
  | HeardEvent
  | PeerEvent
  /** A timer may be due, or none is: harmless at any time. */
  | { readonly type: "tick" }
  | { readonly type: "startup" }
  | { readonly type: "shutdown" }
  /** It is to end soon: the addresses are handed over, and connections may still finish. */
  | { readonly type: "leave" }
  /** No connection is left of those that it had when it handed the addresses over. */
  | { readonly type: "drained" }
  /** An interface got or lost its carrier; `index` as in the options. */
  | { readonly type: "carrier"; index: number; isUp: boolean }
  /** Whether the fence is on every interface with addresses of this router. */
  | { readonly type: "fence"; isWhole: boolean }
  | { readonly type: "fitness"; isFit: boolean; liveServers: number }
  /** Whether any ping witness answers. */
  | { readonly type: "witness"; isReached: boolean }
  /** A witness that was asked for `askWitness` answered; `round` is its value. */
  | { readonly type: "witness-proof"; round: number }
  /** Whether the tables copied from the peer are complete: only then is preempted. */
  | { readonly type: "complete"; isComplete: boolean }
  | { readonly type: "standby" }
  | { readonly type: "takeover"; force: boolean }
  /** The guard has closed the fence. */
  | { readonly type: "guard-closed" }
  /** The driver itself saw a gap that the monotonic clock does not show (suspend). */
  | { readonly type: "stall" }
  /** Somebody else removed a virtual address of ours. */
  | { readonly type: "address-lost" }
  /** ARP or neighbour advertisement of another node for a virtual address. */
  | { readonly type: "address-seen" }
  /** The check at start found that another node answers for a virtual address. */
  | { readonly type: "holder-found" }
  /** Nobody answers for one any more. */
  | { readonly type: "holder-gone" }
  /** The `advertise` before went out on no interface. */
  | { readonly type: "send-failed" }
  /** A validly signed packet was outside of the time window. */
  | { readonly type: "clock-alarm" }
  /** All members of the group may become active. */
  | { readonly type: "group-promote" }
  /** A member of the group is active no more; `isPlanned`: it drains. */
  | { readonly type: "group-resign"; readonly isPlanned: boolean };
