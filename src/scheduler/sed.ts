/**
 * Shortest expected delay (`sed`): the real server with the least (active + 1) / weight, that is,
 * the one that would be least busy after it took this connection. Inactive connections do not
 * count. Source: net/netfilter/ipvs/ip_vs_sed.c, ipvsadm(8).
 *
 * @module
 */
import { createLeast } from "./least.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a shortest-expected-delay scheduler. */
export function createShortestExpectedDelay(): Scheduler {
  return createLeast({
    name: "sed",
    perActive: 1,
    countsInactive: false,
    own: 1,
    isWeighted: true,
    idleFirst: false,
  });
}
