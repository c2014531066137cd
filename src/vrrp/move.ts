/**
 * Moves between the states: become active, leave it, wait as backup. The order of the actions is
 * what the promise of one answering director rests on. Pure.
 *
 * @module
 */

import { action, pushAction } from "./action.ts";
import { ownerPriority, resignPriority } from "./advertisement.ts";
import { cause } from "./cause.ts";
import { claim, override } from "./event.ts";
import { beginDrain, beginForward, endDrain, endForward } from "./handover.ts";
import { leaseMarginMs } from "./lease.ts";
import { endProof } from "./proof.ts";
import { downIntervalMs, hasCarrier, priorityOf, routerState } from "./router.ts";
import type { Router } from "./router.ts";

function enter(router: Router, state: number, why: number): void {
  router.state = state;
  router.lastCause = why;
  router.changedAtMs = router.nowMs;
  router.claim = claim.none;
  router.isReady = false;
  router.isHandover = false;
  router.deferrals = 0;
  router.preemptSinceMs = Infinity;
  router.heardFromLength = 0;
  router.heardAtMs = -Infinity;
  router.hasSeenPeerActive = false;
  pushAction(router.actions, action.notify, state);
  pushAction(router.actions, action.log, why);
  if (router.options.hasPeer) pushAction(router.actions, action.tellPeer);
}

/**
 * Sends an advertisement and renews the lease by it. The end is counted from the time of the event,
 * which the driver took before it sends: who is stopped in between then writes a time that is past.
 */
export function advertise(router: Router, leaseAction: number): void {
  const { sendIntervalMs, leaseMs } = router.options.timing;
  const { nowMs } = router;
  router.leaseEndBeforeMs = router.leaseEndMs;
  router.leaseEndMs = nowMs + leaseMs;
  pushAction(router.actions, action.advertise, priorityOf(router));
  pushAction(router.actions, leaseAction, router.leaseEndMs);
  const nextMs = router.advertiseAtMs + sendIntervalMs;
  // The beat is kept; after a late tick, or the first one, it starts anew from now.
  const isInBeat = nextMs > nowMs && nextMs <= nowMs + sendIntervalMs;
  router.advertiseAtMs = isInBeat ? nextMs : nowMs + sendIntervalMs;
}

/** Announces the addresses, or again: another node may have claimed them. */
export function announce(router: Router): void {
  router.announcements++;
  pushAction(router.actions, action.announce);
}

/** Becomes active: advertise, open the fence, add the addresses, announce them. */
export function becomeActive(router: Router, why: number): void {
  router.leaseEndMs = 0;
  router.advertiseAtMs = -Infinity;
  const { hasPeer, timing } = router.options;
  const settleMs = router.isHandover ? leaseMarginMs(timing.sendIntervalMs) : -Infinity;
  router.settleUntilMs = router.nowMs + settleMs;
  beginForward(router);
  // What was still being served of an earlier time goes on under the lease.
  router.drainUntilMs = 0;
  // The first packet is all that keeps another backup from doing the same: it may not be lost.
  if (hasPeer) pushAction(router.actions, action.advertise, priorityOf(router));
  advertise(router, action.beginLease);
  pushAction(router.actions, action.addAddresses);
  announce(router);
  router.downAtMs = Infinity;
  router.blockedBy = cause.none;
  if (router.override === override.standby) router.override = override.none;
  router.hasForeignHolder = false;
  enter(router, routerState.active, why);
}

/**
 * Waits as backup for `waitMs`, or until the start delay is over if that is later.
 */
export function waitAsBackup(router: Router, waitMs: number): void {
  router.downAtMs = Math.max(router.nowMs + waitMs, router.quietUntilMs);
  router.isReady = false;
  router.isHandover = false;
  router.deferrals = 0;
  endProof(router);
  if (router.claim === claim.promote) router.claim = claim.none;
}

/** How a router leaves the state Active. */
type Departure = "silent" | "resigning" | "draining";

/**
 * Closes the fence, then resigns if asked to, then removes the addresses; who drains keeps these,
 * if the other director is there to take over.
 */
function leaveActive(router: Router, departure: Departure): void {
  const { actions } = router;
  // A takeover by command lasts as long as what it brought.
  if (router.override >= override.takeover) router.override = override.none;
  router.leftActiveAtMs = router.nowMs;
  router.leaseEndMs = 0;
  router.leaseEndBeforeMs = 0;
  router.advertiseAtMs = Infinity;
  endForward(router);
  const isDraining = departure === "draining" && beginDrain(router);
  if (!isDraining) pushAction(actions, action.endLease);
  if (departure !== "silent") pushAction(actions, action.advertise, resignPriority);
  if (!isDraining) pushAction(actions, action.removeAddresses);
  pushAction(actions, action.stopAnnouncing);
}

function waitForOther(router: Router, why: number): void {
  enter(router, routerState.backup, why);
  router.activeIntervalMs = router.options.timing.wireIntervalMs;
  waitAsBackup(router, 2 * downIntervalMs(router));
}

/**
 * Goes from active to backup and sends priority 0. The other director is to have the address now:
 * this one waits twice the usual time, so that the two never promote themselves at once when that
 * packet is lost.
 */
export function resign(router: Router, why: number): void {
  leaveActive(router, "resigning");
  waitForOther(router, why);
}

/** As {@link resign}, planned: the connections that it has may finish. */
export function handOver(router: Router, why: number): void {
  leaveActive(router, "draining");
  waitForOther(router, why);
}

/** Goes from active to backup without a packet: another is active, or the fence is closed. */
export function stepDown(router: Router, why: number, activeIntervalMs: number): void {
  leaveActive(router, "silent");
  enter(router, routerState.backup, why);
  router.activeIntervalMs = activeIntervalMs;
  waitAsBackup(router, downIntervalMs(router));
}

function initialize(router: Router): void {
  router.downAtMs = Infinity;
  enter(router, routerState.initialize, cause.shutdown);
}

/** Goes to Initialize, from active with priority 0. Nothing is left on the host. */
export function stop(router: Router): void {
  endDrain(router);
  if (router.state === routerState.active) leaveActive(router, "resigning");
  if (router.state !== routerState.initialize) initialize(router);
}

/** Goes to Initialize as {@link stop}, but the connections that it has may finish. */
export function leave(router: Router): void {
  if (router.state === routerState.active) leaveActive(router, "draining");
  if (router.state !== routerState.initialize) initialize(router);
}

/**
 * Starts (RFC 9568, section 6.4.1). The owner of the addresses is active at once; with `[peer]` it,
 * too, waits and asks the other director to hand over. The first wait has the skew in any case: two
 * directors that start together should not end together.
 */
export function start(router: Router): void {
  const { options, nowMs } = router;
  router.quietUntilMs = nowMs + options.startDelayMs;
  router.activeIntervalMs = options.timing.wireIntervalMs;
  const canOwn = !options.hasPeer && !options.isGrouped && hasCarrier(router) && router.isFenced;
  const isOwner = canOwn && priorityOf(router) === ownerPriority;
  if (isOwner && options.startDelayMs === 0) return becomeActive(router, cause.owner);
  enter(router, routerState.backup, cause.startup);
  const skew = ((256 - priorityOf(router)) / 256) * router.activeIntervalMs;
  const waitMs = options.hasPeer ? 3 * router.activeIntervalMs + skew : downIntervalMs(router);
  router.downAtMs = router.quietUntilMs + waitMs;
}
