/**
 * State Active (RFC 9568, section 6.4.3): advertises, answers, and gives way to the better one.
 *
 * With `[peer]` it also resigns when the other director is the better one and asks for it, or when
 * this one is unfit and the other is not. Pure.
 *
 * @module
 */

import { action, pushAction } from "./action.ts";
import { resignPriority } from "./advertisement.ts";
import { ownRank } from "./backup.ts";
import { cause } from "./cause.ts";
import { compareAddresses, unfitPriorityMax } from "./election.ts";
import { claim, override } from "./event.ts";
import type { HeardEvent, PeerEvent } from "./event.ts";
import { updateForward } from "./handover.ts";
import { advertise, announce, handOver, resign, stepDown } from "./move.ts";
import { comparePeer, peerAdvantage, storePeer } from "./peer-view.ts";
import { addressLossWindowMs, hasCarrier, isPeerFresh, priorityOf, routerState } from "./router.ts";
import type { Router } from "./router.ts";

/**
 * Smallest gap between two answers to losing advertisements, in ms: at once, but a flood of them
 * must not make this node flood.
 */
const answerGapMs = 2;

/** The timer of the advertisement may be due. */
export function tickActive(router: Router): void {
  if (router.nowMs >= router.advertiseAtMs) advertise(router, action.renewLease);
}

/** Says at once that this node is active, and where the addresses are. */
function answer(router: Router): void {
  router.conflicts++;
  if (router.nowMs - router.answeredAtMs < answerGapMs) return;
  router.answeredAtMs = router.nowMs;
  advertise(router, action.renewLease);
  announce(router);
}

/** Positive if the sender outranks this node. */
function compareSender(router: Router, event: HeardEvent): number {
  const difference = event.priority - priorityOf(router);
  if (difference !== 0) return difference;
  // On several interfaces each pair of addresses could say something else; the peer's name cannot.
  if (router.options.hasPeer && isPeerFresh(router)) {
    return comparePeer(router.peer, { ...ownRank(router), priority: router.peer.priority });
  }
  return compareAddresses(event.from, event.to);
}

/**
 * The sender outranks this node. Who was separated from it has told its neighbours of itself, and
 * the sender may not know: it announces once more if it hears a lower priority. With `[peer]` it
 * hears of this node's announcements anyway.
 */
function giveWay(router: Router, event: HeardEvent): void {
  const priority = priorityOf(router);
  stepDown(router, cause.outranked, event.intervalMs);
  if (!router.options.hasPeer) pushAction(router.actions, action.concede, priority);
}

/** An advertisement was heard. */
export function hearAsActive(router: Router, event: HeardEvent): void {
  if (event.priority === resignPriority) {
    // Who resigns was active: its announcements may be the last that the LAN heard.
    return answer(router);
  }
  // Overtaken by the resignation: who has resigned is not active again that soon.
  if (router.nowMs < router.settleUntilMs) return;
  const order = compareSender(router, event);
  if (order > 0) return giveWay(router, event);
  answer(router);
}

function isGoodEnough(router: Router, event: PeerEvent): boolean {
  return event.priority > unfitPriorityMax || priorityOf(router) <= unfitPriorityMax;
}

/** True if the peer's claim is to be granted. */
function grants(router: Router, event: PeerEvent): boolean {
  switch (event.claim) {
    case claim.force:
      return true;
    case claim.takeover:
      return event.isEligible && isGoodEnough(router, event);
    case claim.preempt: {
      const isHeld = router.override >= override.takeover && priorityOf(router) > unfitPriorityMax;
      return event.isEligible && !isHeld && peerAdvantage(router.peer, ownRank(router)) > 0;
    }
    default:
      return false;
  }
}

/** Gives the address to the peer if this node is not fit for it and the peer is the better one. */
function yieldIfUnfit(router: Router): void {
  const { peer } = router;
  if (!router.options.hasPeer || !isPeerFresh(router)) return;
  if (peer.state !== routerState.backup || !peer.isEligible) return;
  const isCutOff = !router.isWitnessReached && peer.isWitnessReached;
  if (priorityOf(router) > unfitPriorityMax && !isCutOff) return;
  if (peerAdvantage(peer, ownRank(router)) <= 0) return;
  handOver(router, isCutOff ? cause.witness : cause.unfit);
}

/** The peer said something on the peer channel. */
export function hearPeerAsActive(router: Router, event: PeerEvent): void {
  const { peer } = router;
  const wasActive = isPeerFresh(router) && peer.state === routerState.active;
  const hasAnnounced = peer.atMs !== -Infinity && event.announcements !== peer.announcements;
  storePeer(peer, event, router.nowMs);
  updateForward(router, event);
  if (event.state === routerState.active) {
    if (router.nowMs < router.settleUntilMs) return;
    // Both are active and perhaps do not hear each other's advertisements: the same order decides.
    if (comparePeer(peer, ownRank(router)) > 0) return resign(router, cause.outranked);
    if (hasAnnounced) announce(router);
    return;
  }
  if (wasActive || hasAnnounced) announce(router);
  if (grants(router, event)) return handOver(router, cause.yielded);
  yieldIfUnfit(router);
}

/** Fitness or witnesses changed: the new priority is told at once. */
export function changeFitness(router: Router, priorityBefore: number): void {
  if (priorityOf(router) !== priorityBefore) advertise(router, action.renewLease);
  yieldIfUnfit(router);
}

/** A carrier went: an address that nobody can reach is of no use here. */
export function loseCarrier(router: Router): void {
  if (!hasCarrier(router)) resign(router, cause.carrier);
}

/** The fence is not where it must be: nothing would stop this node from answering later. */
export function loseFence(router: Router): void {
  resign(router, cause.fence);
}

/** Another node announced an address of ours: announce again, count, log. */
export function seeAddressAsActive(router: Router): void {
  // What the one that resigned said before may still be on its way.
  if (router.nowMs < router.settleUntilMs) return;
  router.conflicts++;
  pushAction(router.actions, action.log, cause.conflict);
  announce(router);
}

/** Somebody removed an address: put it back; three times in 10 s and the node gives up. */
export function loseAddress(router: Router): void {
  const { lostAtMs, nowMs } = router;
  lostAtMs[router.lostIndex] = nowMs;
  router.lostIndex = (router.lostIndex + 1) % lostAtMs.length;
  // The next to be overwritten is the oldest.
  if (nowMs - lostAtMs[router.lostIndex]! <= addressLossWindowMs) {
    lostAtMs.fill(-Infinity);
    return resign(router, cause.addressLost);
  }
  pushAction(router.actions, action.addAddresses);
  pushAction(router.actions, action.log, cause.addressLost);
  announce(router);
}

/** The advertisement went out nowhere: the lease is what it was before. */
export function failSend(router: Router): void {
  router.leaseEndMs = router.leaseEndBeforeMs;
  if (router.leaseEndMs > router.nowMs) return;
  stepDown(router, cause.sendFailure, router.options.timing.wireIntervalMs);
}
