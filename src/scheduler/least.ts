/**
 * Least loaded real server: what lc, wlc, sed and nq have in common. They differ only in what they
 * call load:
 *
 * ```text
 *        active counts   inactive counts   this one counts   by weight   idle first
 * lc     256             1                 0                 no          no
 * wlc    256             1                 0                 yes         no
 * sed    1               0                 1                 yes         no
 * nq     1               0                 1                 yes         yes
 * ```
 * One pick costs O(n); ties go by {@link Turn}. The difference is numbers, not a function a
 * scheduler: all share this loop, and a call to one of four functions in it would cost more than
 * the rest of it.
 *
 * @module
 */
import type { SchedulerName } from "../model/index.ts";
import { canTake } from "./candidate.ts";
import type { Candidate, Flow, Scheduler } from "./scheduler.ts";
import { Turn } from "./turn.ts";

/** An active connection counts as much as this many inactive ones (include/net/ip_vs.h). */
export const inactivePerActive = 256;

/** Load as wlc, lblc and lblcr see it: overhead by weight. The weight must be above 0. */
export function weightedOverhead(candidate: Candidate): number {
  const { activeConnections, inactiveConnections, weight } = candidate;
  return (activeConnections * inactivePerActive + inactiveConnections) / weight;
}

/** Makes the difference between one least-loaded scheduler and another. */
export interface LeastOptions {
  readonly name: SchedulerName;
  /** What an active connection adds to the load. */
  readonly perActive: number;
  /** Whether an inactive connection adds 1. */
  readonly countsInactive: boolean;
  /** What the connection to be placed adds. */
  readonly own: number;
  /** Whether load is divided by weight, and ties go by weight; false: every weight is 1. */
  readonly isWeighted: boolean;
  /** Whether a server without active connections has no load at all. */
  readonly idleFirst: boolean;
}

/** See {@link createLeast}. */
class LeastScheduler implements Scheduler {
  readonly name: SchedulerName;
  readonly #options: LeastOptions;
  readonly #turn = new Turn();
  #candidates: readonly Candidate[] = [];

  constructor(options: LeastOptions) {
    this.name = options.name;
    this.#options = options;
  }

  update(candidates: readonly Candidate[]): void {
    this.#candidates = [...candidates];
    this.#turn.update(this.#candidates);
  }

  pick(_flow: Flow, tried: readonly Candidate[]): Candidate | undefined {
    // Read once: in the loop each of them would cost as much as a counter.
    const { perActive, countsInactive, own, isWeighted, idleFirst } = this.#options;
    const candidates = this.#candidates;
    const turn = this.#turn;
    let best = -1;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index]!;
      if (!canTake(candidate, tried)) continue;
      const active = candidate.activeConnections;
      let load = active * perActive + own;
      if (countsInactive) load += candidate.inactiveConnections;
      if (isWeighted) load /= candidate.weight;
      if (idleFirst && active === 0) load = 0;
      if (load < bestLoad || (load === bestLoad && turn.isBefore(index, best))) {
        best = index;
        bestLoad = load;
      }
    }
    if (best === -1) return undefined;
    const candidate = candidates[best]!;
    turn.take(best, isWeighted ? candidate.weight : 1);
    return candidate;
  }
}

/** Creates a scheduler that picks the candidate with the lowest load. */
export function createLeast(options: LeastOptions): Scheduler {
  return new LeastScheduler(options);
}
