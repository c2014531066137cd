/**
 * Round-robin (`rr`): each real server in turn, in the order of the configuration; weights count
 * only as 0 or not 0. One pick costs O(1) as long as servers are eligible. Source: ipvsadm(8).
 *
 * @module
 */
import { canTake } from "./candidate.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";

/**
 * Index in `next` of the server that was picked last or, if it has left, of the nearest one before
 * it that has not: the turn goes on behind it.
 */
function carryPosition(
  previous: readonly Candidate[],
  position: number,
  next: readonly Candidate[],
): number {
  const indexByKey = new Map(next.map(({ key }, index) => [key, index]));
  for (let index = position; index >= 0; index--) {
    const carried = indexByKey.get(previous[index]!.key);
    if (carried !== undefined) return carried;
  }
  return -1;
}

/** Creates a round-robin scheduler; the first pick is the first candidate. */
export function createRoundRobin(): Scheduler {
  let candidates: readonly Candidate[] = [];
  let last = -1;

  return {
    name: "rr",

    update(next) {
      last = carryPosition(candidates, last, next);
      candidates = [...next];
    },

    pick(_flow, tried) {
      let index = last;
      for (let step = 0; step < candidates.length; step++) {
        index = index + 1 < candidates.length ? index + 1 : 0;
        const candidate = candidates[index]!;
        if (canTake(candidate, tried)) {
          last = index;
          return candidate;
        }
      }
      return undefined;
    },
  };
}
