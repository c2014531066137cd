/**
 * Weighted overflow (`ovf`): the real server with the highest weight, until its active connections
 * exceed that weight; then the next one. None if all have overflowed: the weight is a limit here,
 * and a connection above the last limit is refused. Source: net/netfilter/ipvs/ip_vs_ovf.c, where
 * a server is passed over when active > weight, so it holds up to weight + 1.
 *
 * @module
 */
import { canTake } from "./candidate.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";

/** Creates an overflow scheduler. */
export function createOverflow(): Scheduler {
  let candidates: readonly Candidate[] = [];

  return {
    name: "ovf",

    update(next) {
      candidates = [...next];
    },

    pick(_flow, tried) {
      let best: Candidate | undefined;
      for (const candidate of candidates) {
        const { weight } = candidate;
        if (best !== undefined && weight <= best.weight) continue;
        if (candidate.activeConnections > weight) continue;
        if (canTake(candidate, tried)) best = candidate;
      }
      return best;
    },
  };
}
