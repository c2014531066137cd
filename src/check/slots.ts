/**
 * A bound on how many checks run at once; the others wait in order.
 *
 * @module
 */

/** Places for running checks. */
export interface Slots {
  /** Calls `start` now or when a place is free. Who started must call {@link release} once. */
  acquire(start: () => void): void;
  release(): void;
  /** Forgets all who wait. */
  clear(): void;
}

/**
 * Creates `max` slots. The queue is as long as its users make it: each group of the runner waits
 * at most once.
 */
export function createSlots(max: number): Slots {
  let free = max;
  let waiting: (() => void)[] = [];
  let head = 0;
  return {
    acquire(start) {
      if (free === 0) {
        waiting.push(start);
        return;
      }
      free -= 1;
      start();
    },
    release() {
      const next = waiting[head];
      if (next === undefined) {
        free += 1;
        return;
      }
      head += 1;
      // Drop what has been taken, now and then: shifting each time would move the whole queue.
      if (head * 2 > waiting.length) [waiting, head] = [waiting.slice(head), 0];
      next();
    },
    clear() {
      waiting = [];
      head = 0;
    },
  };
}
