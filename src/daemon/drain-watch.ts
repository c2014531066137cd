/**
 * Follows addresses that were handed over until no connection of before is left here.
 *
 * The other director sends on what belongs to these connections, and the kernel bounds how long. In
 * most cases the last one is over much sooner: then the addresses can go. Asks only while there is
 * something to wait for.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import { ApplianceError } from "../errors/index.ts";
import type { InstanceView } from "../failover/index.ts";

/** What of a virtual router is looked at. */
export type DrainView = Pick<
  InstanceView,
  "name" | "addresses" | "drainRemainingMs" | "isPeerActive"
>;

/** What {@link DrainWatch} works with. */
export interface DrainWatchOptions {
  readonly clock: Clock;
  readonly view: () => readonly DrainView[];
  /** Connections of this host that have one of these addresses. */
  readonly countConnections: (addresses: readonly string[]) => number;
  /** Called for a virtual router whose connections are over. */
  readonly onDrained: (name: string) => void;
}

/**
 * From what the other director said that it has the addresses until every client has heard it: its
 * announcements, which are repeated after 10, 50 and 200 ms, and connections that were begun here
 * meanwhile.
 */
export const settleMs = 250;
/** Whoever was to take over and did not within this time is not waited for. */
export const settleMsMax = 2000;
const lookMs = 50;
/** A list of thousands of connections takes milliseconds; who waits for their end is not kept. */
const countGapMs = 250;

/** One for all virtual routers. */
export class DrainWatch {
  readonly #options: DrainWatchOptions;
  /** Since when the other one has the addresses, by name. */
  readonly #takenAtMs = new Map<string, number>();
  #countAtMs = 0;
  #waiting: { readonly isOver: () => boolean; readonly resolve: () => void }[] = [];
  #timer: Timer | undefined;

  constructor(options: DrainWatchOptions) {
    this.#options = options;
  }

  /** True while connections of before a handover may finish here. */
  get isDraining(): boolean {
    return this.#draining().length > 0;
  }

  /** Something may have been handed over; what the view says of it may be a moment late. */
  look(): void {
    this.#look();
    this.#timer ??= this.#options.clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const draining = this.#draining();
    this.#follow(draining);
    this.#waiting = this.#waiting.filter(({ isOver, resolve }) => {
      if (!isOver()) return true;
      resolve();
      return false;
    });
    if (draining.length === 0 && this.#waiting.length === 0) return;
    this.#timer = this.#options.clock.after(lookMs, () => this.#look());
  }

  /** Settles when clients go to the other director, or `hurry` aborts: listeners may close. */
  async settled(hurry: AbortSignal): Promise<void> {
    const untilMs = this.#options.clock.nowMs() + settleMsMax;
    await this.#until(untilMs, hurry, () => this.#draining().every((one) => this.#isSettled(one)));
  }

  /** Settles when no connection is left, after `waitMs`, or when `hurry` aborts. */
  async drained(waitMs: number, hurry: AbortSignal): Promise<void> {
    await this.#until(this.#options.clock.nowMs() + waitMs, hurry, () => !this.isDraining);
  }

  /** Waits for nothing any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }

  async #until(untilMs: number, hurry: AbortSignal, isOver: () => boolean): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const isDone = (): boolean => isOver() || hurry.aborted || clock.nowMs() >= untilMs;
    this.#waiting.push({ isOver: isDone, resolve });
    this.look();
    await promise;
  }

  #follow(draining: readonly DrainView[]): void {
    const { clock, onDrained } = this.#options;
    const names = new Set(draining.map(({ name }) => name));
    for (const name of this.#takenAtMs.keys()) if (!names.has(name)) this.#takenAtMs.delete(name);
    const mayCount = this.#waiting.length > 0 || clock.nowMs() >= this.#countAtMs;
    for (const view of draining) {
      if (view.isPeerActive && !this.#takenAtMs.has(view.name)) {
        this.#takenAtMs.set(view.name, clock.nowMs());
      }
      if (!mayCount || !this.#isSettled(view)) continue;
      this.#countAtMs = clock.nowMs() + countGapMs;
      if (this.#isEmpty(view)) onDrained(view.name);
    }
  }

  #isEmpty({ addresses }: DrainView): boolean {
    try {
      return this.#options.countConnections(addresses) === 0;
    } catch (error) {
      if (!(error instanceof ApplianceError)) throw error;
      // Not known this time: at worst it lasts as long as it may.
      return false;
    }
  }

  #draining(): DrainView[] {
    return this.#options.view().filter(({ drainRemainingMs }) => drainRemainingMs > 0);
  }

  #isSettled({ name }: DrainView): boolean {
    const takenAtMs = this.#takenAtMs.get(name);
    return takenAtMs !== undefined && this.#options.clock.nowMs() - takenAtMs >= settleMs;
  }
}
