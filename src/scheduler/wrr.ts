/**
 * Weighted round-robin (`wrr`), smooth variant (docs/decisions/0003-wrr-order.md).
 *
 * At each pick every eligible real server earns its weight, the richest is picked and pays what
 * all have earned. Over a round of as many picks as the sum of the weights each gets exactly its
 * weight, and a heavy server is not picked in bursts. One pick costs O(n), whatever the weights.
 *
 * @module
 */
import { canTake, carryNumbers } from "./candidate.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";

/** Creates a weighted round-robin scheduler. */
export function createWeightedRoundRobin(): Scheduler {
  let candidates: readonly Candidate[] = [];
  let credits: Float64Array = new Float64Array(0);

  return {
    name: "wrr",

    update(next) {
      const weightSum = next.reduce((sum, { weight }) => sum + weight, 0);
      // A debt made under a far greater weight would shut a server out for thousands of rounds.
      credits = carryNumbers({ candidates, numbers: credits }, next, 0).map((credit) =>
        Math.max(-weightSum, Math.min(weightSum, credit)),
      );
      candidates = [...next];
    },

    pick(_flow, tried) {
      let best = -1;
      let bestCredit = 0;
      let earned = 0;
      for (let index = 0; index < candidates.length; index++) {
        const candidate = candidates[index]!;
        if (!canTake(candidate, tried)) continue;
        const { weight } = candidate;
        const credit = credits[index]! + weight;
        credits[index] = credit;
        earned += weight;
        if (best === -1 || credit > bestCredit) {
          best = index;
          bestCredit = credit;
        }
      }
      if (best === -1) return undefined;
      credits[best] = bestCredit - earned;
      return candidates[best];
    },
  };
}
