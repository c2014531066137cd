/**
 * Least-connection (`lc`): the real server with the least active * 256 + inactive connections;
 * weights count only as 0 or not 0. Source: net/netfilter/ipvs/ip_vs_lc.c, ipvsadm(8).
 *
 * @module
 */
import { createLeast, inactivePerActive } from "./least.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a least-connection scheduler. */
export function createLeastConnection(): Scheduler {
  return createLeast({
    name: "lc",
    perActive: inactivePerActive,
    countsInactive: true,
    own: 0,
    isWeighted: false,
    idleFirst: false,
  });
}
