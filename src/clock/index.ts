/**
 * Time, as an interface, so that everything that waits can be tested with a fake.
 *
 * @module
 */

/** A started timer. */
export interface Timer {
  cancel(): void;
}

/** What a part may know of time. Tests use `test/helpers/fake-clock.ts`. */
export interface Clock {
  /** Monotonic time in ms, from an arbitrary origin; never jumps. For intervals and deadlines. */
  nowMs(): number;
  /** Wall-clock time in ms since 1970-01-01 UTC; may jump. For showing only. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
