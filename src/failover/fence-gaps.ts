/**
 * Interfaces that the fence could not be put on: why, and when it is tried again. Pure.
 *
 * @module
 */

/** First pause after a failure, ms; each further one doubles it. */
const pauseMinMs = 100;
/** Longest pause: what stands in the way may be taken away by hand. */
const pauseMaxMs = 10_000;

/** An interface without a fence. */
export interface FenceGap {
  readonly interface: string;
  readonly reason: string;
}

interface Gap extends FenceGap {
  readonly pauseMs: number;
  readonly tryAtMs: number;
}

/** Gaps by the index of the interface. */
export class FenceGaps {
  readonly #gaps = new Map<number, Gap>();

  /** Notes that it failed once more: each time the pause until the next try is longer. */
  note(index: number, gap: FenceGap, nowMs: number): void {
    const before = this.#gaps.get(index);
    const pauseMs = before === undefined ? pauseMinMs : Math.min(before.pauseMs * 2, pauseMaxMs);
    this.#gaps.set(index, { ...gap, pauseMs, tryAtMs: nowMs + pauseMs });
  }

  /** Notes a gap that is looked after elsewhere: as soon as it is gone there it may be cleared. */
  noteWatched(index: number, gap: FenceGap): void {
    this.#gaps.set(index, { ...gap, pauseMs: pauseMinMs, tryAtMs: -Infinity });
  }

  /** The fence is there, or the interface is gone. */
  clear(index: number): void {
    this.#gaps.delete(index);
  }

  /** False while a failure is too recent to try again. */
  isDue(index: number, nowMs: number): boolean {
    return nowMs >= (this.#gaps.get(index)?.tryAtMs ?? -Infinity);
  }

  has(index: number): boolean {
    return this.#gaps.has(index);
  }

  /** Forgets interfaces that are no more. */
  keepOnly(indexes: ReadonlySet<number>): void {
    for (const index of this.#gaps.keys()) if (!indexes.has(index)) this.#gaps.delete(index);
  }

  /** In the order of their names. */
  list(): FenceGap[] {
    return [...this.#gaps.values()]
      .map(({ interface: name, reason }) => ({ interface: name, reason }))
      .toSorted((one, other) => (one.interface < other.interface ? -1 : 1));
  }
}
