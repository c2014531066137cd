/**
 * Has the worker's garbage collected before it piles up.
 *
 * A worker never yields to its event loop, and the collector's own pace does not suit it: the
 * large arrays and shared blocks count as heap, so it waits for about as much garbage again
 * (measured: 100 MiB after 2 million connections). The hot path makes none; what does, says how
 * much. A collection stops the worker for about 8 ms, so it must be worth it.
 *
 * @module
 */

/** Garbage after which a collection is worth its pause. */
const garbageBytesMax = 32 << 20;

/** Bytes of what is kept and thrown away for one connection with a known client, with its event. */
export const clientGarbageBytes = 1024;

/** Estimates the garbage of one worker. */
export class GarbageMeter {
  readonly #collect: () => void;
  #bytes = 0;

  /** @param collect Default: the runtime's full collection. */
  constructor(collect: () => void = () => Bun.gc(true)) {
    this.#collect = collect;
  }

  /** Something of about this size was thrown away. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Collects if it is worth it. */
  collectIfDue(): void {
    if (this.#bytes < garbageBytesMax) return;
    this.#bytes = 0;
    this.#collect();
  }
}
