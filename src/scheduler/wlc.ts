/**
 * Weighted least-connection (`wlc`): the real server with the least
 * (active * 256 + inactive) / weight. Source: net/netfilter/ipvs/ip_vs_wlc.c, ipvsadm(8).
 *
 * @module
 */
import { createLeast, inactivePerActive } from "./least.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a weighted least-connection scheduler. */
export function createWeightedLeastConnection(): Scheduler {
  return createLeast({
    name: "wlc",
    perActive: inactivePerActive,
    countsInactive: true,
    own: 0,
    isWeighted: true,
    idleFirst: false,
  });
}
