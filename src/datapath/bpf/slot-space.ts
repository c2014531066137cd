/**
 * Which slots of the one big array belong to which table.
 *
 * A table that changes is written beside the old one, and the service is switched over in one step:
 * no packet sees half of it. What was given back is used again only after {@link SlotSpace.settle},
 * when no packet can be under way with the old one. Owned by one engine.
 *
 * @module
 */

/** Neighbouring slots. */
export interface SlotRange {
  readonly start: number;
  readonly length: number;
}

/** Ranges of one array. */
export class SlotSpace {
  readonly #capacity: number;
  /** By start. */
  readonly #used = new Map<number, SlotRange>();
  readonly #released: SlotRange[] = [];

  /** @param capacity Slots of the array. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Slots in use, those that are still to settle too. */
  get usedSlots(): number {
    return this.#used.values().reduce((sum, { length }) => sum + length, 0);
  }

  /** Notes a range that an earlier process has taken. */
  adopt(range: SlotRange): void {
    if (range.length > 0) this.#used.set(range.start, range);
  }

  /** The first gap that is large enough; undefined if there is none. */
  take(length: number): SlotRange | undefined {
    if (length === 0) return { start: 0, length };
    let start = 0;
    for (const range of [...this.#used.values()].toSorted((a, b) => a.start - b.start)) {
      if (range.start - start >= length) break;
      start = Math.max(start, range.start + range.length);
    }
    if (start + length > this.#capacity) return undefined;
    const taken = { start, length };
    this.#used.set(start, taken);
    return taken;
  }

  /** Gives a range back. */
  release(range: SlotRange): void {
    if (range.length > 0) this.#released.push(range);
  }

  /** What was given back before is free from now on. */
  settle(): void {
    for (const { start } of this.#released.splice(0)) this.#used.delete(start);
  }
}
