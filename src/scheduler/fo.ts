/**
 * Weighted failover (`fo`): the real server with the highest weight that can take a connection;
 * among equal weights the first of the configuration. Source: net/netfilter/ipvs/ip_vs_fo.c.
 *
 * @module
 */
import { canTake } from "./candidate.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";

/** Creates a failover scheduler. */
export function createFailover(): Scheduler {
  let candidates: readonly Candidate[] = [];

  return {
    name: "fo",

    update(next) {
      candidates = [...next];
    },

    pick(_flow, tried) {
      let best: Candidate | undefined;
      for (const candidate of candidates) {
        if (best !== undefined && candidate.weight <= best.weight) continue;
        if (canTake(candidate, tried)) best = candidate;
      }
      return best;
    },
  };
}
