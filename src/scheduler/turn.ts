/**
 * Whose turn it is among real servers that are equally loaded.
 *
 * The kernel takes the first of its list. There it is rarely seen, because ended connections count
 * as inactive for minutes; a proxied connection is gone when it ends, so on a quiet service the
 * first server would get everything. So ties go by weight: each pick moves a server's own time on
 * by 1/weight, and the one whose time is earliest is next (start-time fair queueing). A server
 * that was not picked for long catches up with one pick, not with a burst.
 *
 * Owned by one scheduler; allocates only in `update`.
 *
 * @module
 */
import { carryNumbers } from "./candidate.ts";
import type { Candidate } from "./scheduler.ts";

/** Turns of the candidates of one scheduler, by their index. */
export class Turn {
  #candidates: readonly Candidate[] = [];
  #times: Float64Array = new Float64Array(0);
  #now = 0;

  /** Takes a new set; those that stay keep their time, new ones join at the present. */
  update(candidates: readonly Candidate[]): void {
    const from = { candidates: this.#candidates, numbers: this.#times };
    this.#times = carryNumbers(from, candidates, this.#now);
    this.#candidates = candidates;
  }

  /** Whether the candidate at index `a` is to be picked before that at `b`; false if they tie. */
  isBefore(a: number, b: number): boolean {
    return Math.max(this.#times[a]!, this.#now) < Math.max(this.#times[b]!, this.#now);
  }

  /** Notes that the candidate at `index` was picked; `share` is its weight, above 0. */
  take(index: number, share: number): void {
    const time = this.#times[index]!;
    if (time > this.#now) this.#now = time;
    this.#times[index] = this.#now + 1 / share;
  }
}
