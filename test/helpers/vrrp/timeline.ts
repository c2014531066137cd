/**
 * Simulated time: what is to run when, in order; equal times in the order of their entry.
 *
 * @module
 */

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that moves from one due thing to the next. */
export class Timeline {
  nowMs = 0;
  /** Latest first, so that the next is taken from the end. */
  readonly #due: Due[] = [];

  /** Runs `what` at a time, not before now. */
  at(atMs: number, what: () => void): void {
    let low = 0;
    let high = this.#due.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#due[middle]!.atMs > atMs) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, { atMs, run: what });
  }

  /** Lets the world run for so long. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const due = this.#due.at(-1);
      if (due === undefined || due.atMs > endMs) break;
      this.#due.pop();
      this.nowMs = due.atMs;
      due.run();
    }
    this.nowMs = endMs;
  }
}
