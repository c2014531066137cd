/**
 * State Backup (RFC 9568, section 6.4.2): listens, and takes over when the active director has been
 * silent long enough, has resigned, or may be preempted.
 *
 * Without `[peer]` that is the RFC's table. With `[peer]` no advertisement preempts: a better
 * backup *claims* the address on the peer channel, and is active when the other has resigned or
 * fallen silent. So the two never answer at once, not even for one latency. Pure.
 *
 * @module
 */

import { action, pushAction } from "./action.ts";
import { resignPriority } from "./advertisement.ts";
import { cause } from "./cause.ts";
import { compareAddresses, unfitPriorityMax } from "./election.ts";
import { claim, override } from "./event.ts";
import type { HeardEvent, PeerEvent } from "./event.ts";
import { leaseMarginMs } from "./lease.ts";
import { becomeActive, waitAsBackup } from "./move.ts";
import { comparePeer, peerAdvantage, storePeer } from "./peer-view.ts";
import { askForProof, endProof, lacksProof } from "./proof.ts";
import {
  blockOf,
  downIntervalMs,
  isPeerFresh,
  ownSkewMs,
  priorityOf,
  routerState,
} from "./router.ts";
import type { Router } from "./router.ts";

/** Promotion is left to the better peer so often: it may be about to be blocked itself. */
const deferralsMax = 2;

/** How this node ranks beside the peer. Made at rare events only. */
export function ownRank(router: Router): {
  priority: number;
  address: Uint8Array;
  isWitnessReached: boolean;
} {
  const { isWitnessReached } = router;
  return { priority: priorityOf(router), address: router.address, isWitnessReached };
}

function tellPeer(router: Router): void {
  if (router.options.hasPeer) pushAction(router.actions, action.tellPeer);
}

/** Writes why nothing happens, once for each reason. */
function noteBlock(router: Router, block: number): void {
  if (router.blockedBy === block) return;
  router.blockedBy = block;
  if (block !== cause.none) pushAction(router.actions, action.log, block);
  tellPeer(router);
}

/** Cause of a promotion now, for the log. */
function promotionCause(router: Router): number {
  if (router.override >= override.takeover) return cause.takeover;
  if (router.isHandover) return router.claim === claim.none ? cause.resignation : cause.preempt;
  if (router.heardFromLength > 0 && router.heardPriority === resignPriority) {
    return cause.resignation;
  }
  const isOtherAlive = router.nowMs - router.heardAtMs < downIntervalMs(router);
  return isOtherAlive ? cause.preempt : cause.silence;
}

/** Active if it may; in a group only once all members may. */
function promote(router: Router): void {
  const block = blockOf(router);
  noteBlock(router, block);
  if (block !== cause.none) {
    // Nothing tells when the reason goes away: look again soon.
    router.downAtMs = router.nowMs + router.options.timing.sendIntervalMs;
    return;
  }
  if (router.options.isGrouped) {
    router.isReady = true;
    router.downAtMs = Infinity;
    return;
  }
  becomeActive(router, promotionCause(router));
}

/** What operators said comes before any priority: takeover, nothing, standby. */
function wishOf(value: number): number {
  if (value === override.standby) return -1;
  return value === override.none ? 0 : 1;
}

/** True if the peer, backup as well, comes before this node. Both find the same. */
function isPeerBetter(router: Router): boolean {
  const { peer } = router;
  const wish = wishOf(peer.override) - wishOf(router.override);
  if (wish !== 0) return wish > 0;
  const rank = ownRank(router);
  const advantage = peerAdvantage(peer, rank);
  return advantage > 0 || (advantage === 0 && comparePeer(peer, rank) > 0);
}

/** True if the other director is backup as well and the better one: it should have the address. */
function shouldDefer(router: Router): boolean {
  const { peer } = router;
  if (router.isHandover || router.deferrals >= deferralsMax || !isPeerFresh(router)) return false;
  return peer.state === routerState.backup && peer.isEligible && isPeerBetter(router);
}

/** A claim that nobody answered ends; by force it ends in a takeover. */
function endClaim(router: Router): void {
  const wasForced = router.claim === claim.force;
  router.claim = claim.none;
  tellPeer(router);
  if (wasForced) promote(router);
  // In a group the promotion is still to come.
  if (!router.isReady && router.state === routerState.backup) router.override = override.none;
}

/** When the peer, backup as well, has been told for long enough; now if it need not be. */
function toldAtMs(router: Router): number {
  const { nowMs, options, peer } = router;
  if (router.isHandover || !options.hasPeer || !isPeerFresh(router)) return nowMs;
  if (peer.state !== routerState.backup) return nowMs;
  if (router.claim < claim.takeover) {
    router.claim = claim.promote;
    router.claimUntilMs = Infinity;
    router.claimedAtMs = nowMs;
    tellPeer(router);
  }
  return router.claimedAtMs + leaseMarginMs(options.timing.sendIntervalMs);
}

/** Silence has lasted long enough. */
function endSilence(router: Router): void {
  const { nowMs, options } = router;
  if (blockOf(router) !== cause.none) return promote(router);
  if (lacksProof(router)) {
    askForProof(router);
    router.downAtMs = nowMs + options.timing.sendIntervalMs;
    return;
  }
  if (shouldDefer(router)) {
    router.deferrals++;
    router.downAtMs = nowMs + options.timing.deadTimeMs;
    return;
  }
  const atMs = toldAtMs(router);
  if (atMs <= nowMs) promote(router);
  else router.downAtMs = atMs;
}

/** A timer may be due. What kept it from taking over may have gone without a takeover. */
export function tickBackup(router: Router): void {
  if (router.blockedBy !== cause.none && blockOf(router) === cause.none) {
    noteBlock(router, cause.none);
  }
  if (router.nowMs >= router.downAtMs) endSilence(router);
  if (router.state !== routerState.backup) return;
  if (router.claim !== claim.none && router.nowMs >= router.claimUntilMs) endClaim(router);
}

/** True if nothing the peer said speaks against taking the address from it. */
function doesPeerAllow(router: Router, isOtherUnfit: boolean): boolean {
  if (!router.options.hasPeer || !isPeerFresh(router)) return true;
  const { peer } = router;
  if (peer.override >= override.takeover && !isOtherUnfit) return false;
  return peerAdvantage(peer, ownRank(router)) < 0;
}

/** True if this node may take the address from an active director of this priority. */
function canPreempt(router: Router, otherPriority: number, isOtherUnfit: boolean): boolean {
  if (priorityOf(router) <= otherPriority || !router.isComplete) return false;
  if (!router.options.preempt && !isOtherUnfit) return false;
  if (router.override === override.standby || blockOf(router) !== cause.none) return false;
  return doesPeerAllow(router, isOtherUnfit);
}

/** True if it may, and has been able to for as long as the delay asks. */
function wantsPreempt(router: Router, otherPriority: number): boolean {
  const { options, nowMs } = router;
  // Who cannot serve gives way, whatever is configured; only our own directors have that range.
  const isOtherUnfit = options.hasPeer && otherPriority <= unfitPriorityMax;
  if (!canPreempt(router, otherPriority, isOtherUnfit)) {
    router.preemptSinceMs = Infinity;
    return false;
  }
  if (router.preemptSinceMs === Infinity) router.preemptSinceMs = nowMs;
  return nowMs - router.preemptSinceMs >= (isOtherUnfit ? 0 : options.preemptDelayMs);
}

/** Keeps or ends the claim to preempt; an operator's claim is left alone. */
function updateClaim(router: Router, otherPriority: number): boolean {
  const wants = wantsPreempt(router, otherPriority);
  if (!router.options.hasPeer || router.claim >= claim.takeover) return wants;
  const wanted = wants ? claim.preempt : claim.none;
  if (router.claim !== wanted) {
    router.claim = wanted;
    router.claimUntilMs = Infinity;
    tellPeer(router);
  }
  return wants;
}

function rememberActive(router: Router, event: HeardEvent): void {
  router.heardFromLength = Math.min(16, event.from.length);
  for (let index = 0; index < router.heardFromLength; index++) {
    router.heardFrom[index] = event.from[index]!;
  }
  router.heardPriority = event.priority;
  router.heardAtMs = router.nowMs;
  endProof(router);
  router.hasForeignHolder = false;
}

function isFromActive(router: Router, from: Uint8Array): boolean {
  if (router.heardFromLength !== from.length) return false;
  return compareAddresses(from, router.heardFrom) === 0;
}

/** Priority 0: the active director is about to stop. */
function hearResignation(router: Router, event: HeardEvent): void {
  if (!router.options.hasPeer) {
    router.downAtMs = Math.max(router.nowMs + ownSkewMs(router), router.quietUntilMs);
    if (isFromActive(router, event.from)) router.heardPriority = resignPriority;
    return;
  }
  // A packet that is late or a repetition comes from one that is not known as active.
  if (isFromActive(router, event.from)) takeHandover(router);
}

/**
 * The active director has closed its fence: nothing is waited for but the `tick` that follows once
 * all queues are empty. A later packet may say that somebody is active again.
 */
function takeHandover(router: Router): void {
  router.heardFromLength = 0;
  router.hasSeenPeerActive = false;
  // What lay in a queue through a stall may be old, and what came after it lost.
  if (router.nowMs < router.distrustUntilMs) return waitAsBackup(router, downIntervalMs(router));
  const { nowMs, options, quietUntilMs, leftActiveAtMs } = router;
  // Who has just left the address itself may hear what is older than that: let it settle.
  const settledAtMs = leftActiveAtMs + leaseMarginMs(options.timing.sendIntervalMs);
  router.downAtMs = Math.max(nowMs, quietUntilMs, settledAtMs);
  router.isHandover = router.downAtMs === nowMs;
}

/** An advertisement was heard. */
export function hearAsBackup(router: Router, event: HeardEvent): void {
  if (event.priority === resignPriority) return hearResignation(router, event);
  rememberActive(router, event);
  const wants = updateClaim(router, event.priority);
  const { hasPeer } = router.options;
  // Without its channel nothing can be claimed; better two for a latency than an unfit one.
  const isDiscarded = wants && (!hasPeer || !isPeerFresh(router));
  if (isDiscarded) return;
  router.activeIntervalMs = event.intervalMs;
  waitAsBackup(router, downIntervalMs(router));
}

/** The peer said something on the peer channel. */
export function hearPeerAsBackup(router: Router, event: PeerEvent): void {
  storePeer(router.peer, event, router.nowMs);
  if (event.state === routerState.active) {
    // Another path to hear it by: silent only when all are.
    router.hasSeenPeerActive = true;
    router.hasForeignHolder = false;
    updateClaim(router, event.priority);
    waitAsBackup(router, downIntervalMs(router));
  } else if (event.claim >= claim.takeover && event.isEligible) yieldToPromotion(router);
  else if (router.hasSeenPeerActive) takeHandover(router);
}

/** The peer is about to be active: the same as if it were, unless this node is and is better. */
function yieldToPromotion(router: Router): void {
  if (router.claim >= claim.takeover && !isPeerBetter(router)) return;
  waitAsBackup(router, downIntervalMs(router));
}

/** Another node announced a virtual address: that counts as hearing it. */
export function seeAddressAsBackup(router: Router): void {
  waitAsBackup(router, downIntervalMs(router));
}

/** The operator wants this node to have the address. */
export function takeOver(router: Router, force: boolean): void {
  const { options, nowMs } = router;
  router.override = force ? override.force : override.takeover;
  if (force) router.hasForeignHolder = false;
  if (!options.hasPeer) return promote(router);
  router.claim = force ? claim.force : claim.takeover;
  router.claimedAtMs = nowMs;
  router.claimUntilMs = nowMs + 3 * options.timing.deadTimeMs;
  tellPeer(router);
}
