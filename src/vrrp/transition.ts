/**
 * The state machine: one event at one time changes a router and says what must be done.
 *
 * It depends on the router, the event and the time only. Before any event the clock is looked at:
 * who was stopped for longer than the lease is backup before anything is sent. The caller hands in
 * what its sockets hold *before* it hands in the `tick`, all with times of one monotonic clock.
 * Pure.
 *
 * @module
 */

import type { ActionList } from "./action.ts";
import {
  changeFitness,
  failSend,
  hearAsActive,
  hearPeerAsActive,
  loseAddress,
  loseCarrier,
  loseFence,
  seeAddressAsActive,
  tickActive,
} from "./active.ts";
import {
  hearAsBackup,
  hearPeerAsBackup,
  seeAddressAsBackup,
  takeOver,
  tickBackup,
} from "./backup.ts";
import { cause } from "./cause.ts";
import { compareAddresses } from "./election.ts";
import { claim, override } from "./event.ts";
import type { RouterEvent } from "./event.ts";
import { endDrain } from "./handover.ts";
import {
  becomeActive,
  handOver,
  leave,
  resign,
  start,
  stepDown,
  stop,
  waitAsBackup,
} from "./move.ts";
import { storePeer } from "./peer-view.ts";
import { takeProof } from "./proof.ts";
import { blockOf, downIntervalMs, priorityOf, routerState } from "./router.ts";
import type { Router } from "./router.ts";

/** When the driver must call again with a `tick` at the latest, in ms; Infinity if never. */
export function dueAtMs(router: Router): number {
  const { drainUntilMs } = router;
  return drainUntilMs === 0 ? stateDueAtMs(router) : Math.min(stateDueAtMs(router), drainUntilMs);
}

function stateDueAtMs(router: Router): number {
  if (router.state === routerState.active) return router.advertiseAtMs;
  if (router.state === routerState.initialize) return Infinity;
  return router.claim === claim.none
    ? router.downAtMs
    : Math.min(router.downAtMs, router.claimUntilMs);
}

/** True if this node was stopped for longer than the lease. */
function hasStalled(router: Router): boolean {
  const { state, nowMs, options } = router;
  if (state === routerState.active) return nowMs >= router.leaseEndMs;
  return state === routerState.backup && nowMs - router.dueAtMs > options.timing.leaseMs;
}

/** Others may be active by now: listen for a whole dead time. */
function stall(router: Router): void {
  // A command of before the stall may be out of date as well.
  if (router.override >= override.takeover) router.override = override.none;
  router.claim = claim.none;
  router.distrustUntilMs = router.nowMs + router.options.timing.deadTimeMs;
  if (router.state === routerState.active) {
    stepDown(router, cause.stall, router.options.timing.wireIntervalMs);
  } else if (router.state === routerState.backup) waitAsBackup(router, downIntervalMs(router));
}

type EventOf = { readonly [E in RouterEvent as E["type"]]: E };
type Handlers = { readonly [K in keyof EventOf]?: (router: Router, event: EventOf[K]) => void };

function startOver(router: Router): void {
  if (router.state === routerState.initialize) start(router);
}

function applyCarrier(router: Router, { index, isUp }: EventOf["carrier"]): void {
  if (index >= router.carriers.length) return;
  router.carriers[index] = isUp ? 1 : 0;
  if (router.state === routerState.active) loseCarrier(router);
  // What was said meanwhile was not heard.
  else if (router.state === routerState.backup && isUp) {
    waitAsBackup(router, downIntervalMs(router));
  }
}

function applyFence(router: Router, { isWhole }: EventOf["fence"]): void {
  router.isFenced = isWhole;
  if (!isWhole && router.state === routerState.active) loseFence(router);
}

function applyFitness(router: Router, { isFit, liveServers }: EventOf["fitness"]): void {
  const priorityBefore = priorityOf(router);
  router.isFit = isFit;
  router.liveServers = liveServers;
  if (router.state === routerState.active) changeFitness(router, priorityBefore);
}

function applyWitness(router: Router, { isReached }: EventOf["witness"]): void {
  const priorityBefore = priorityOf(router);
  router.isWitnessReached = isReached;
  if (router.state === routerState.active) changeFitness(router, priorityBefore);
}

function applyStandby(router: Router): void {
  router.override = override.standby;
  router.claim = claim.none;
  if (router.state === routerState.active) handOver(router, cause.standby);
}

/** What is the same in every state, or is kept by states that do not act upon it. */
const always: Handlers = {
  startup: startOver,
  shutdown: stop,
  leave,
  drained: endDrain,
  // Active has a case of its own. Whoever drains has been closed as well.
  "guard-closed": endDrain,
  stall,
  carrier: applyCarrier,
  fence: applyFence,
  fitness: applyFitness,
  witness: applyWitness,
  standby: applyStandby,
  complete: (router, { isComplete }) => {
    router.isComplete = isComplete;
  },
  "holder-gone": (router) => {
    router.hasForeignHolder = false;
  },
  "clock-alarm": (router) => {
    router.heldUntilMs = router.nowMs + router.options.timing.deadTimeMs;
  },
  peer: (router, event) => {
    storePeer(router.peer, event, router.nowMs);
  },
};

const inBackup: Handlers = {
  tick: tickBackup,
  heard: hearAsBackup,
  peer: hearPeerAsBackup,
  "address-seen": seeAddressAsBackup,
  "witness-proof": (router, { round }) => {
    if (takeProof(router, round)) router.downAtMs = Math.min(router.downAtMs, router.nowMs);
  },
  takeover: (router, { force }) => {
    takeOver(router, force);
  },
  "holder-found": (router) => {
    // An active director that is heard explains it.
    if (router.heardFromLength === 0) router.hasForeignHolder = true;
  },
  "group-promote": (router) => {
    if (router.isReady && blockOf(router) === cause.none) becomeActive(router, cause.group);
  },
};

const inActive: Handlers = {
  tick: tickActive,
  heard: hearAsActive,
  peer: hearPeerAsActive,
  "address-seen": seeAddressAsActive,
  "address-lost": loseAddress,
  "send-failed": failSend,
  takeover: (router, { force }) => {
    router.override = force ? override.force : override.takeover;
  },
  "guard-closed": (router) => {
    stepDown(router, cause.guard, router.options.timing.wireIntervalMs);
  },
  "group-resign": (router, { isPlanned }) => {
    if (isPlanned) handOver(router, cause.group);
    else resign(router, cause.group);
  },
};

/** By state: what it does itself; the rest is {@link always}. */
const byState: readonly Handlers[] = [{}, inBackup, inActive];

function dispatch<K extends keyof EventOf>(
  router: Router,
  event: EventOf[K] & { readonly type: K },
): void {
  const handler: Handlers[K] = byState[router.state]![event.type] ?? always[event.type];
  handler?.(router, event);
}

/** True for a packet of our own that came back, or of a node that has our address. */
function isOwnPacket(event: RouterEvent): boolean {
  if (event.type !== "heard") return false;
  return event.from.length === event.to.length && compareAddresses(event.from, event.to) === 0;
}

/**
 * Applies an event and appends its actions to `router.actions`; for groups, which apply several
 * events in one step. Others call {@link transition}.
 */
export function applyEvent(router: Router, event: RouterEvent, nowMs: number): void {
  router.nowMs = Math.max(router.nowMs, nowMs);
  if (isOwnPacket(event)) return;
  if (hasStalled(router)) stall(router);
  if (router.nowMs >= router.drainUntilMs) endDrain(router);
  dispatch(router, event);
  router.dueAtMs = dueAtMs(router);
}

/**
 * Applies an event at `nowMs` (monotonic clock) and returns what must be done, in order. The list
 * is the router's own and is valid until the next event.
 */
export function transition(router: Router, event: RouterEvent, nowMs: number): ActionList {
  router.actions.count = 0;
  applyEvent(router, event, nowMs);
  return router.actions;
}
