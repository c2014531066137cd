/**
 * A handover that loses no connection: the director that gives the addresses up goes on serving
 * what still comes to it, and the new owner sends on to it what belongs to its connections.
 *
 * Exactly one of the two answers questions for an address at any time: the old one has ended that
 * before it resigns. Only what passes the old one is bounded by time, not by the lease, and the
 * kernel knows that end. It takes `[peer]`: who hands over must know that somebody takes. Pure.
 *
 * @module
 */

import { action, pushAction } from "./action.ts";
import type { PeerEvent } from "./event.ts";
import { leaseMarginMs } from "./lease.ts";
import { isPeerFresh, routerState } from "./router.ts";
import type { Router } from "./router.ts";

/**
 * A director that was heard within this time is there, ms. It may be late itself, and longer than
 * the dead time: then clients need this one all the more.
 */
const presenceMs = 2000;

/** True if somebody is there to take the addresses, and to send on what is not its own. */
function canDrain({ drainMs, nowMs, options, peer }: Router): boolean {
  return options.hasPeer && drainMs > 0 && nowMs - peer.atMs <= presenceMs;
}

/**
 * Gives the addresses up in a handover: no question for them is answered from here on.
 *
 * @returns False if it cannot drain: then nothing was done.
 */
export function beginDrain(router: Router): boolean {
  if (!canDrain(router)) return false;
  router.drainUntilMs = router.nowMs + router.drainMs;
  pushAction(router.actions, action.drainLease, router.drainUntilMs);
  return true;
}

/** Takes the addresses off: no connection is left, time is over, or the fence was closed. */
export function endDrain(router: Router): void {
  if (router.drainUntilMs === 0) return;
  router.drainUntilMs = 0;
  pushAction(router.actions, action.endLease);
  pushAction(router.actions, action.removeAddresses);
  pushAction(router.actions, action.tellPeer);
}

function forwardUntil(router: Router, untilMs: number): void {
  router.forwardUntilMs = untilMs;
  pushAction(router.actions, action.forward, untilMs);
}

/**
 * Before the fence opens: packets of the other's connections come from the first announcement on.
 * Whether it drains, its next message says; who was killed does not, and the guard's resignation
 * looks the same.
 */
export function beginForward(router: Router): void {
  const { options, peer, nowMs } = router;
  if (!options.hasPeer) return;
  const isTold = peer.isDraining && isPeerFresh(router);
  if (!router.isHandover && !isTold) return;
  forwardUntil(router, nowMs + leaseMarginMs(options.timing.sendIntervalMs));
}

/** The peer said whether it drains; `event` is stored already. */
export function updateForward(router: Router, event: PeerEvent): void {
  const { forwardUntilMs, nowMs, options } = router;
  const { deadTimeMs } = options.timing;
  if (event.isDraining) {
    // Renewed by what is heard: it ends soon after the other one has died.
    if (forwardUntilMs - nowMs < deadTimeMs / 2) forwardUntil(router, nowMs + deadTimeMs);
    return;
  }
  // What it said before it resigned may still be on its way.
  if (event.state !== routerState.active) endForward(router);
}

/** The other has no connections left, or this node has the addresses no more. */
export function endForward(router: Router): void {
  if (router.forwardUntilMs === 0) return;
  forwardUntil(router, 0);
}
