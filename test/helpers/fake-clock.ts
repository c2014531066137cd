/**
 * A clock that moves only when the test says so.
 *
 * @module
 */
import type { Clock } from "../../src/clock/index.ts";

interface Pending {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A {@link Clock} with a lever: `advance` runs what falls due, in order. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
  /** Timers not yet due. */
  pendingCount(): number;
}

export function createFakeClock(startMs = 0): FakeClock {
  let nowMs = startMs;
  let pending: Pending[] = [];
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after(delayMs, callback) {
      const entry = { atMs: nowMs + Math.max(0, delayMs), callback };
      pending.push(entry);
      return { cancel: () => void (pending = pending.filter((other) => other !== entry)) };
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const due = pending.filter((entry) => entry.atMs <= untilMs);
        const next = due.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        pending = pending.filter((entry) => entry !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.callback();
      }
      nowMs = untilMs;
    },
    pendingCount: () => pending.length,
  };
}
