/**
 * A virtual router for tests of single rules, with actions as words. The default is plain VRRP as
 * the RFC has it: version 3, priority 100, 1 s, address 10.0.0.2, preemption.
 *
 * @module
 */

import {
  action,
  causeNames,
  createRouter,
  deriveTiming,
  stateNames,
  transition,
} from "../../../src/vrrp/index.ts";
import type {
  HeardEvent,
  PeerEvent,
  Router,
  RouterEvent,
  RouterOptions,
} from "../../../src/vrrp/index.ts";

const ownAddress = Uint8Array.of(10, 0, 0, 2);

/** Interval 1 s, dead time 3 s. */
export const plainTiming = deriveTiming({
  version: 3,
  advertiseIntervalMs: 1000,
  downAfterMs: 3000,
});
/** 20 ms / 300 ms: wire 100 ms, lease 260 ms. */
export const lanTiming = deriveTiming({ version: 3, advertiseIntervalMs: 20, downAfterMs: 300 });

/** A router in Initialize. */
export function createTestRouter(options: Partial<RouterOptions> = {}): Router {
  return createRouter({
    version: 3,
    priority: 100,
    address: ownAddress,
    timing: options.hasPeer === true ? lanTiming : plainTiming,
    preempt: true,
    preemptDelayMs: 0,
    startDelayMs: 0,
    hasPeer: false,
    witness: "prefer",
    interfaces: [{ hasAddresses: true }],
    isGrouped: false,
    ...options,
  });
}

const words = new Map<number, string>(Object.entries(action).map(([name, kind]) => [kind, name]));

function formatAction(kind: number, value: number): string {
  const name = words.get(kind)!;
  if (kind === action.notify) return `notify ${stateNames[value]}`;
  if (kind === action.log) return `log ${causeNames[value]}`;
  const hasValue = [
    "advertise",
    "beginLease",
    "renewLease",
    "askWitness",
    "concede",
    "drainLease",
    "forward",
  ].includes(name);
  return hasValue ? `${name} ${value}` : name;
}

/** What a router's list holds. */
export function actionsOf(router: Router): string[] {
  const { count, kinds, values } = router.actions;
  return Array.from({ length: count }, (_, index) => formatAction(kinds[index]!, values[index]!));
}

/** Applies an event and says what is to be done. */
export function step(
  router: Router,
  event: RouterEvent | RouterEvent["type"],
  nowMs: number,
): string[] {
  const what = typeof event === "string" ? ({ type: event } as RouterEvent) : event;
  transition(router, what, nowMs);
  return actionsOf(router);
}

/** An advertisement of 10.0.0.`host`. */
export function heard(priority: number, { host = 1, intervalMs = 1000 } = {}): HeardEvent {
  const from = Uint8Array.of(10, 0, 0, host);
  return { type: "heard", from, to: ownAddress, priority, intervalMs };
}

/** A message of the peer, 10.0.0.1, priority 150, backup, fit for everything. */
export function peerSays(fields: Partial<PeerEvent> = {}): PeerEvent {
  return {
    type: "peer",
    state: 1,
    priority: 150,
    address: Uint8Array.of(10, 0, 0, 1),
    isEligible: true,
    isWitnessReached: true,
    claim: 0,
    override: 0,
    announcements: 0,
    isDraining: false,
    ...fields,
  };
}

/** A started router in Backup at time 0. */
export function backupRouter(options: Partial<RouterOptions> = {}): Router {
  const router = createTestRouter(options);
  step(router, "startup", 0);
  return router;
}

/** A router that became active by silence; its last advertisement was at the returned time. */
export function activeRouter(options: Partial<RouterOptions> = {}): {
  router: Router;
  nowMs: number;
} {
  const router = backupRouter(options);
  const nowMs = router.downAtMs;
  step(router, "tick", nowMs);
  return { router, nowMs };
}
