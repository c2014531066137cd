/**
 * Memory of lblc and lblcr: destination address to whatever the scheduler keeps for it. Entries
 * unused for a day are forgotten; the number is bounded, the oldest goes first. A found entry
 * costs no allocation; a new destination costs one entry.
 *
 * @module
 */

/** Part of a clock that a scheduler may use; {@link Clock} of src/clock fits. */
export interface SchedulerClock {
  /** Monotonic time in ms. */
  nowMs(): number;
}

/** Time in which an unused entry is forgotten: the kernel's lblc_expiration, a day. */
export const localityExpiryMs = 24 * 60 * 60 * 1000;

/** Most destinations remembered: the kernel's limit, 16 for each of 1,024 hash buckets. */
export const localityEntriesMax = 16_384;

/** Without a clock nothing ever expires. */
export const stoppedClock: SchedulerClock = { nowMs: () => 0 };

interface Entry<Value> {
  value: Value;
  usedAtMs: number;
}

/** Destination address (folded to 32 bits) to a value. */
export class LocalityTable<Value> {
  readonly #entries = new Map<number, Entry<Value>>();

  get size(): number {
    return this.#entries.size;
  }

  /** What is kept for the destination, marked as used now; undefined if nothing or too old. */
  use(destinationWord: number, nowMs: number): Value | undefined {
    const entry = this.#entries.get(destinationWord);
    if (entry === undefined) return undefined;
    if (nowMs - entry.usedAtMs > localityExpiryMs) {
      this.#entries.delete(destinationWord);
      return undefined;
    }
    entry.usedAtMs = nowMs;
    return entry.value;
  }

  /** Keeps `value` for the destination; drops the oldest destination if the table is full. */
  set(destinationWord: number, value: Value, nowMs: number): void {
    const entry = this.#entries.get(destinationWord);
    if (entry !== undefined) {
      entry.value = value;
      entry.usedAtMs = nowMs;
      return;
    }
    if (this.#entries.size >= localityEntriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(destinationWord, { value, usedAtMs: nowMs });
  }

  /** Replaces each value by what `renew` makes of it; undefined drops the entry. */
  renewAll(renew: (value: Value) => Value | undefined): void {
    for (const [destinationWord, entry] of this.#entries) {
      const value = renew(entry.value);
      if (value === undefined) this.#entries.delete(destinationWord);
      else entry.value = value;
    }
  }
}
