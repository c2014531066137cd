/**
 * When a director says that its services are better or worse served than before.
 *
 * Both directors check the same real servers, at different moments. When all of them fail, or come
 * back, one director sees it first; if it said so at once, the addresses would move to and fro for
 * something that is the same on both. So what speaks for a move waits until the other one must have
 * seen it as well: on the active director what is worse, on the backup what is better. The rest is
 * said at once. Scripts, interfaces and pings do not come this way.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";

/** How the services of a virtual router are served, as this director sees it. */
export interface Serving {
  readonly isServing: boolean;
  /** Real servers that are up. */
  readonly liveServers: number;
}

/** One judgement. */
export interface JudgedServing extends Serving {
  /** Name of the virtual router. */
  readonly name: string;
  readonly isActive: boolean;
  /** Time within which the other director has seen the same, ms. */
  readonly settleMs: number;
}

/** What {@link ServingHold} needs. */
export interface ServingHoldOptions {
  readonly clock: Clock;
  /** Something that waited may be said now: judge again. */
  readonly onDue: () => void;
}

interface Held {
  said: Serving;
  /** Runs while something waits. */
  timer: Timer | undefined;
  isDue: boolean;
}

/** Above 0 if `a` is better served. Who serves at all does not count how many there are. */
function compare(a: Serving, b: Serving): number {
  if (a.isServing !== b.isServing) return a.isServing ? 1 : -1;
  return a.isServing ? 0 : a.liveServers - b.liveServers;
}

/** See the module's head. */
export class ServingHold {
  readonly #options: ServingHoldOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: ServingHoldOptions) {
    this.#options = options;
  }

  /** What is to be said now; the first judgement of a virtual router at once. */
  say({ name, isActive, settleMs, ...judged }: JudgedServing): Serving {
    const known = this.#held.get(name);
    if (known === undefined) {
      this.#held.set(name, { said: judged, timer: undefined, isDue: false });
      return judged;
    }
    const difference = compare(judged, known.said);
    const speaksForMove = isActive ? difference < 0 : difference > 0;
    if (!speaksForMove || known.isDue) {
      stop(known);
      known.said = judged;
    } else known.timer ??= this.#start(known, settleMs);
    return known.said;
  }

  /** Forgets virtual routers that are not among these. */
  keep(names: readonly string[]): void {
    for (const [name, held] of this.#held) {
      if (names.includes(name)) continue;
      stop(held);
      this.#held.delete(name);
    }
  }

  #start(held: Held, settleMs: number): Timer {
    const { clock, onDue } = this.#options;
    return clock.after(settleMs, () => {
      held.isDue = true;
      onDue();
    });
  }
}

function stop(held: Held): void {
  held.timer?.cancel();
  held.timer = undefined;
  held.isDue = false;
}
