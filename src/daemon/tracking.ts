/**
 * Pings and scripts that virtual routers track, asked again and again.
 *
 * Two answers in a row that differ from what holds change it; the first one counts at once. What
 * several virtual routers track is asked once.
 *
 * @module
 */

import type { AskedTarget, TrackAsker } from "../check/index.ts";
import type { Clock, Timer } from "../clock/index.ts";

/** What is known of one target. */
export interface TrackView {
  /** `ping 192.0.2.1`, or the script's path. */
  readonly name: string;
  /** Undefined before the first answer. */
  readonly isUp: boolean | undefined;
  /** Why it is down; empty otherwise. */
  readonly reason: string;
}

/** What {@link Tracking} needs. */
export interface TrackingOptions {
  readonly clock: Clock;
  readonly ask: TrackAsker["ask"];
  /** Login name that scripts run as. */
  readonly user: () => string;
  /** The state of a target has changed. */
  readonly onChange: (view: TrackView) => void;
}

/** Answers in a row that change the state, as of health checks in ldirectord and keepalived. */
const answersToChange = 2;
/** Longest that {@link Tracking.apply} waits for first answers: addresses cannot wait for more. */
const firstAnswersMs = 2000;

/** Name of a target in the log and in status. */
export function trackName(target: AskedTarget): string {
  return target.type === "ping" ? `ping ${target.address}` : target.command.join(" ");
}

function keyOf(target: AskedTarget): string {
  return JSON.stringify(target);
}

/** One target. */
class Tracker {
  readonly name: string;
  readonly answered = Promise.withResolvers<void>();
  readonly #target: AskedTarget;
  readonly #options: TrackingOptions;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #isUp: boolean | undefined;
  #reason = "";
  /** Answers in a row that differ from the state. */
  #against = 0;

  constructor(target: AskedTarget, options: TrackingOptions) {
    this.name = trackName(target);
    this.#target = target;
    this.#options = options;
    void this.#turn();
  }

  view(): TrackView {
    return { name: this.name, isUp: this.#isUp, reason: this.#isUp === false ? this.#reason : "" };
  }

  close(): void {
    this.#abort.abort();
    this.#timer?.cancel();
    this.answered.resolve();
  }

  async #turn(): Promise<void> {
    const { clock, ask, user } = this.#options;
    const { signal } = this.#abort;
    const startedAtMs = clock.nowMs();
    const failure = await ask(this.#target, { user: user(), signal });
    if (signal.aborted) return;
    // What this process lacks says nothing of the target.
    if (failure?.reason !== "no-resources") this.#note(failure?.detail);
    const nextAtMs = startedAtMs + this.#target.intervalMs;
    const delayMs = Math.max(0, nextAtMs - clock.nowMs());
    this.#timer = clock.after(delayMs, () => void this.#turn());
  }

  #note(reason: string | undefined): void {
    const isUp = reason === undefined;
    if (!isUp) this.#reason = reason;
    this.#against = isUp === this.#isUp ? 0 : this.#against + 1;
    const isFirst = this.#isUp === undefined;
    if (!isFirst && this.#against < answersToChange) return;
    this.#against = 0;
    this.#isUp = isUp;
    this.answered.resolve();
    // That all is well from the start is no news.
    if (!(isFirst && isUp)) this.#options.onChange(this.view());
  }
}

/** All targets of one director. */
export class Tracking {
  readonly #options: TrackingOptions;
  readonly #abort = new AbortController();
  #trackers = new Map<string, Tracker>();

  constructor(options: TrackingOptions) {
    this.#options = options;
  }

  /**
   * Takes these targets for the wanted ones; those that were there go on. Settles when each has had
   * an answer, at the latest after two seconds.
   */
  async apply(targets: readonly AskedTarget[]): Promise<void> {
    const before = this.#trackers;
    this.#trackers = new Map();
    for (const target of targets) {
      const key = keyOf(target);
      if (this.#trackers.has(key)) continue;
      this.#trackers.set(key, before.get(key) ?? new Tracker(target, this.#options));
    }
    for (const [key, tracker] of before) if (!this.#trackers.has(key)) tracker.close();
    await this.#firstAnswers();
  }

  /** True if it is up, false if it is down, undefined if nothing is known of it. */
  isUp(target: AskedTarget): boolean | undefined {
    return this.#trackers.get(keyOf(target))?.view().isUp;
  }

  /** Asks a target once more, beside its turns. @returns True for a good answer. */
  async askNow(target: AskedTarget): Promise<boolean> {
    const { ask, user } = this.#options;
    return (await ask(target, { user: user(), signal: this.#abort.signal })) === undefined;
  }

  /** Every target. */
  views(): TrackView[] {
    return [...this.#trackers.values()].map((tracker) => tracker.view());
  }

  close(): void {
    for (const tracker of this.#trackers.values()) tracker.close();
    this.#trackers.clear();
    this.#abort.abort();
  }

  async #firstAnswers(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(firstAnswersMs, resolve);
    const all = [...this.#trackers.values()].map(({ answered }) => answered.promise);
    await Promise.race([Promise.all(all), late]);
    timer.cancel();
  }
}
