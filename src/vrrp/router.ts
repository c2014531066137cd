/**
 * One virtual router: its options, its state, and what it derives from them.
 *
 * The state is one record that the machine changes in place, so that a tick allocates nothing;
 * it depends on the events and their times only. Times are ms of the monotonic clock. Pure.
 *
 * @module
 */

import { invariant } from "../errors/index.ts";
import type { AddressBytes } from "../net/address.ts";
import { createActionList } from "./action.ts";
import type { ActionList } from "./action.ts";
import type { VrrpVersion } from "./advertisement.ts";
import { cause } from "./cause.ts";
import { backupPriorityMax, fitnessPriority } from "./election.ts";
import { claim, override } from "./event.ts";
import { createPeerView } from "./peer-view.ts";
import type { PeerView } from "./peer-view.ts";
import { skewMs } from "./timing.ts";
import type { Timing } from "./timing.ts";

/** States (RFC 9568, section 6.3). */
export const routerState = { initialize: 0, backup: 1, active: 2 } as const;

/** Names of the states by number. */
export const stateNames = ["initialize", "backup", "active"] as const;

/** What does not change while the router runs. */
export interface RouterOptions {
  readonly version: VrrpVersion;
  /** Configured priority, 1..255. */
  readonly priority: number;
  /**
   * By what this node is ranked on the peer channel: primary address of its first interface. Zeros
   * while that is missing.
   */
  readonly address: AddressBytes;
  readonly timing: Timing;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly startDelayMs: number;
  /** True with `[peer]`: no skew, handover by claim, resignation taken at once. */
  readonly hasPeer: boolean;
  /** `require`: without a ping witness a backup never promotes itself. */
  readonly witness: "prefer" | "require";
  /** Interfaces, in the order of the configuration: whether virtual addresses are on them. */
  readonly interfaces: readonly { readonly hasAddresses: boolean }[];
  /** True if instances move together; `group.ts` then decides on promotion. */
  readonly isGrouped: boolean;
}

/** State of one virtual router. Only the machine writes it; status and threads read it. */
export interface Router {
  readonly options: RouterOptions;
  readonly actions: ActionList;
  readonly peer: PeerView;
  /** By what it is ranked; as in the options, or learnt later where those had none. */
  address: AddressBytes;
  /** A value of {@link routerState}. */
  state: number;
  /** Cause of the last change, and when it was. */
  lastCause: number;
  changedAtMs: number;
  /**
   * How long connections may finish once the addresses were handed over, in ms; 0: not at all. Set
   * by the driver, which knows whether there is a fence that can do it.
   */
  drainMs: number;
  /** It has handed the addresses over and still has them for its connections, until then; 0: no. */
  drainUntilMs: number;
  /** Active: packets of the other's connections are sent on to it until then; 0: not. */
  forwardUntilMs: number;
  /** When this node was active last; -Infinity if never. */
  leftActiveAtMs: number;
  /** Greatest time seen; a clock that seems to run backwards stands still. */
  nowMs: number;
  /** When the driver was to wake this router up at the latest. */
  dueAtMs: number;
  /** Active: when to send next, when the lease ends, and when it ended before the last renewal. */
  advertiseAtMs: number;
  leaseEndMs: number;
  leaseEndBeforeMs: number;
  /** Active after a handover: what the one that resigned sent before may still be on its way. */
  settleUntilMs: number;
  /** Active: when an advertisement was last answered by one of ours. */
  answeredAtMs: number;
  /** Backup: when silence has lasted long enough. Infinity while a group decides. */
  downAtMs: number;
  /** Backup: not active before this (start delay). */
  quietUntilMs: number;
  /** Resignations do not count before this (stall: they may be old). */
  distrustUntilMs: number;
  /** Not promoted before this (clock alarm). */
  heldUntilMs: number;
  /** Interval of the active director, as heard, or the own one. */
  activeIntervalMs: number;
  /** Backup: last active director heard; length 0 if none since this node is backup. */
  readonly heardFrom: Uint8Array;
  heardFromLength: number;
  heardPriority: number;
  heardAtMs: number;
  /** Since when a lower active director could be preempted; Infinity if none. */
  preemptSinceMs: number;
  /** Backup: how often promotion was left to the better peer. */
  deferrals: number;
  /** Backup: the peer said on the peer channel that it is active, since this node is backup. */
  hasSeenPeerActive: boolean;
  /** Backup: the active director resigned; nothing is waited for. */
  isHandover: boolean;
  /** Backup in a group: only the other members are waited for. */
  isReady: boolean;
  isFit: boolean;
  liveServers: number;
  isWitnessReached: boolean;
  /** Silences, counted when a witness was asked in one: the one now, asked in, proven in. */
  round: number;
  askedRound: number;
  provenRound: number;
  isComplete: boolean;
  /** Another node answered for the address at start. */
  hasForeignHolder: boolean;
  /** Nothing keeps this node from answering where it cannot be fenced: it is not active there. */
  isFenced: boolean;
  /** Carrier of each interface, 1 or 0. */
  readonly carriers: Uint8Array;
  /** A value of `override`. */
  override: number;
  /** A value of `claim`, told to the peer until it yields or time runs out. */
  claim: number;
  claimedAtMs: number;
  claimUntilMs: number;
  /** Why it was not promoted when it could have been; a value of `cause`, 0 if nothing blocks. */
  blockedBy: number;
  /** How often it has begun to announce; told to the peer. */
  announcements: number;
  /** How often another node claimed an address while this one was active. */
  conflicts: number;
  /** Times at which others removed an address, the oldest is overwritten. */
  readonly lostAtMs: Float64Array;
  lostIndex: number;
}

/** Removals of an address by others within {@link addressLossWindowMs} that make it resign. */
export const addressLossesMax = 3;
/** Window of {@link addressLossesMax}. */
export const addressLossWindowMs = 10_000;

/** A router in state Initialize, fit, complete, with carrier everywhere. The caller owns it. */
export function createRouter(options: RouterOptions): Router {
  const { priority, timing, interfaces } = options;
  invariant(priority >= 1 && priority <= 255, "priority is 1..255");
  invariant(timing.leaseMs > 0, "there is a lease");
  invariant(interfaces.length > 0, "there is an interface");
  return {
    options,
    actions: createActionList(),
    peer: createPeerView(),
    address: options.address,
    state: routerState.initialize,
    lastCause: cause.none,
    changedAtMs: 0,
    drainMs: 0,
    drainUntilMs: 0,
    forwardUntilMs: 0,
    leftActiveAtMs: -Infinity,
    nowMs: 0,
    dueAtMs: Infinity,
    advertiseAtMs: Infinity,
    leaseEndMs: 0,
    leaseEndBeforeMs: 0,
    settleUntilMs: -Infinity,
    answeredAtMs: -Infinity,
    downAtMs: Infinity,
    quietUntilMs: 0,
    distrustUntilMs: 0,
    heldUntilMs: 0,
    activeIntervalMs: timing.wireIntervalMs,
    heardFrom: new Uint8Array(16),
    heardFromLength: 0,
    heardPriority: 0,
    heardAtMs: -Infinity,
    preemptSinceMs: Infinity,
    deferrals: 0,
    hasSeenPeerActive: false,
    isHandover: false,
    isReady: false,
    isFit: true,
    liveServers: 0,
    isWitnessReached: true,
    round: 1,
    askedRound: 0,
    provenRound: 0,
    isComplete: true,
    hasForeignHolder: false,
    isFenced: true,
    carriers: new Uint8Array(interfaces.length).fill(1),
    override: override.none,
    claim: claim.none,
    claimedAtMs: 0,
    claimUntilMs: 0,
    blockedBy: cause.none,
    announcements: 0,
    conflicts: 0,
    lostAtMs: new Float64Array(addressLossesMax).fill(-Infinity),
    lostIndex: 0,
  };
}

/**
 * Priority in force. A takeover without `[peer]` can only be told by the packet: it raises the
 * priority to 254 until `standby`. So is a witness that is not reached: with `[peer]` the two
 * compare what they reach, without it who reaches none is unfit.
 */
export function priorityOf(router: Router): number {
  const { options, liveServers } = router;
  const isFit = router.isFit && (options.hasPeer || router.isWitnessReached);
  const isRaised = !options.hasPeer && router.override >= override.takeover;
  const configured = isRaised ? Math.max(options.priority, backupPriorityMax) : options.priority;
  return fitnessPriority(configured, isFit || isRaised, liveServers);
}

/** True if every interface that carries virtual addresses has a carrier, and at least one has. */
export function hasCarrier(router: Router): boolean {
  const { carriers, options } = router;
  let isAnyUp = false;
  for (let index = 0; index < carriers.length; index++) {
    if (carriers[index] === 1) isAnyUp = true;
    else if (options.interfaces[index]!.hasAddresses) return false;
  }
  return isAnyUp;
}

/** What keeps the router from becoming active, as a value of `cause`; `cause.none` if nothing. */
export function blockOf(router: Router): number {
  const { options, nowMs } = router;
  if (!hasCarrier(router)) return cause.carrier;
  if (!router.isFenced) return cause.fence;
  if (router.override === override.force) return cause.none;
  if (router.hasForeignHolder) return cause.foreignHolder;
  if (options.witness === "require" && !router.isWitnessReached) return cause.witness;
  if (nowMs < router.heldUntilMs) return cause.clockAlarm;
  if (nowMs < router.quietUntilMs) return cause.startup;
  return cause.none;
}

/** Own skew in ms at the interval of the active director; 0 with `[peer]`. */
export function ownSkewMs(router: Router): number {
  const { hasPeer, version } = router.options;
  return hasPeer ? 0 : skewMs(version, priorityOf(router), router.activeIntervalMs);
}

/** Silence after which this backup takes over, in ms (Active_Down_Interval). */
export function downIntervalMs(router: Router): number {
  return 3 * router.activeIntervalMs + ownSkewMs(router);
}

/** True if the last message of the peer is not older than the dead time. */
export function isPeerFresh(router: Router): boolean {
  return router.nowMs - router.peer.atMs <= router.options.timing.deadTimeMs;
}

/** True while the fence of this router is open at `nowMs`: it may answer for its addresses. */
export function isAnswering(router: Router, nowMs: number): boolean {
  return router.state === routerState.active && nowMs < router.leaseEndMs;
}
