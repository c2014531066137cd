/**
 * Slots: which row of the shared counters belongs to which service and server.
 *
 * @module
 */

/** Hands out small numbers and takes them back; the lowest free ones first. */
export class SlotPool {
  readonly #size: number;
  #next = 0;
  readonly #free: number[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** A free slot, or undefined when all are taken. */
  take(): number | undefined {
    const slot = this.#free.pop();
    if (slot !== undefined) return slot;
    if (this.#next === this.#size) return undefined;
    this.#next += 1;
    return this.#next - 1;
  }

  give(slot: number): void {
    this.#free.push(slot);
  }

  /** Slots still to be had. */
  get freeCount(): number {
    return this.#size - this.#next + this.#free.length;
  }
}
