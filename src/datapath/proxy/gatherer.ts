/**
 * Lets events gather for a moment when there are many of them, as an interrupt coalescer does.
 *
 * A busy worker that is woken for each event spends a tenth to a fifth of its time on going to
 * sleep and waking up. When events come so fast that a few more are certain within 50 µs, sleeping
 * that long first makes one wake-up of many. It is done only where it was just seen to pay: a pause
 * that gathered next to nothing (one client that waits for each answer) stops it for the next
 * millisecond.
 *
 * Pure but for the sleep. See docs/decisions/0034-gather-events.md.
 *
 * @module
 */

import { ShortSleep } from "../../../ffi/realtime.ts";

/** How long events gather. */
const gatherNs = 50_000;
/** Events in a millisecond from which a pause is tried: one or two more would gather in it. */
const busyEvents = 32;
/** Fewer than this after a pause: it was not worth it. */
const worthEvents = 3;
/** A batch of this size needs no pause: its wake-up costs next to nothing for each event. */
const fullEvents = 32;
/** Rates are taken over this time, and a pause that did not pay is not tried again within it. */
const spanMs = 1;

/** Decides about pauses of one worker, and takes them. Made in the thread that sleeps. */
export class Gatherer {
  readonly #sleep: { take(): void };
  #spanStartMs = 0;
  #spanEvents = 0;
  #isBusy = false;
  #hasPaused = false;
  #restUntilMs = 0;

  /** @param sleep Default: 50 µs of the calling thread. */
  constructor(sleep: { take(): void } = new ShortSleep(gatherNs)) {
    this.#sleep = sleep;
  }

  /**
   * Sleeps if that gathers events. To be called between two waits.
   *
   * @param count Events of the last wait.
   * @param nowMs Any monotonic clock, ms with fractions.
   */
  afterBatch(count: number, nowMs: number): void {
    this.#measure(count, nowMs);
    if (this.#hasPaused && count < worthEvents) this.#restUntilMs = nowMs + spanMs;
    this.#hasPaused = this.#isBusy && count > 0 && count < fullEvents && nowMs >= this.#restUntilMs;
    if (this.#hasPaused) this.#sleep.take();
  }

  #measure(count: number, nowMs: number): void {
    this.#spanEvents += count;
    const spanned = nowMs - this.#spanStartMs;
    if (spanned < spanMs) return;
    this.#isBusy = this.#spanEvents >= busyEvents * spanned;
    this.#spanStartMs = nowMs;
    this.#spanEvents = 0;
  }
}
