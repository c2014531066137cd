/**
 * Never queue (`nq`): a real server without active connections if there is one, else as `sed`.
 * Source: net/netfilter/ipvs/ip_vs_nq.c, ipvsadm(8).
 *
 * @module
 */
import { createLeast } from "./least.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a never-queue scheduler. */
export function createNeverQueue(): Scheduler {
  return createLeast({
    name: "nq",
    perActive: 1,
    countsInactive: false,
    own: 1,
    isWeighted: true,
    idleFirst: true,
  });
}
