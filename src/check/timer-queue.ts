/**
 * Many timers on one: a {@link Clock} whose `after` costs no timer of the runtime.
 *
 * Ten thousand checks have ten thousand starts and deadlines. They stand in a binary heap, and one
 * timer of the clock underneath is set to the earliest, rounded up to a tick. For one thread.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";

/** Timers fall due at multiples of this, so that those close to each other share one wake-up. */
const tickMs = 5;

/** A wake-up later than this means that the whole process stood still. */
const stallMs = 100;

/**
 * After a stall, timers wait this long more: the runtime runs timers before it reads sockets, and
 * answers that have arrived meanwhile must not count as missing.
 */
const stallGraceMs = 20;

/** A clock with many cheap timers. */
export interface TimerQueue extends Clock {
  /** Runs every pending callback now, also those they add, and refuses later ones. */
  expireAll(): void;
  pendingCount(): number;
}

interface Entry extends Timer {
  readonly atMs: number;
  readonly callback: () => void;
  /** Place in the heap; -1: not in it any more. */
  place: number;
}

/** Binary heap, earliest first, whose entries know their place. */
function createHeap() {
  const entries: Entry[] = [];
  const put = (entry: Entry, place: number): void => {
    entries[place] = entry;
    entry.place = place;
  };
  const rise = (entry: Entry, from: number): void => {
    let place = from;
    while (place > 0) {
      const parent = entries[(place - 1) >> 1]!;
      if (parent.atMs <= entry.atMs) break;
      put(parent, place);
      place = (place - 1) >> 1;
    }
    put(entry, place);
  };
  const sink = (entry: Entry, from: number): void => {
    let place = from;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && entries[child + 1]!.atMs < entries[child]!.atMs) child += 1;
      if (entries[child]!.atMs >= entry.atMs) break;
      put(entries[child]!, place);
      place = child;
    }
    put(entry, place);
  };
  return {
    first: (): Entry | undefined => entries[0],
    size: (): number => entries.length,
    add: (entry: Entry): void => rise(entry, entries.length),
    remove(entry: Entry): void {
      const { place } = entry;
      if (place === -1) return;
      entry.place = -1;
      const last = entries.pop()!;
      if (last === entry) return;
      rise(last, place);
      sink(last, last.place);
    },
  };
}

/** Creates a timer queue over `clock`. */
export function createTimerQueue(clock: Clock): TimerQueue {
  const heap = createHeap();
  let armed: Timer | undefined;
  let armedForMs = Number.POSITIVE_INFINITY;
  let isGraceOver = false;
  let isClosed = false;

  const arm = (atMs: number): void => {
    armed?.cancel();
    armedForMs = atMs;
    armed = clock.after(Math.max(0, Math.ceil(atMs - clock.nowMs())), onTick);
  };

  const armFirst = (): void => {
    const first = heap.first();
    if (first === undefined) return;
    const atMs = Math.ceil(first.atMs / tickMs) * tickMs;
    if (atMs < armedForMs) arm(atMs);
  };

  function onTick(): void {
    const nowMs = clock.nowMs();
    const isStalled = nowMs - armedForMs > stallMs && !isGraceOver;
    armed = undefined;
    armedForMs = Number.POSITIVE_INFINITY;
    // Never twice in a row: on a host that is always late, timers must run nevertheless.
    isGraceOver = isStalled;
    if (isStalled) return arm(nowMs + stallGraceMs);
    // What callbacks add is due later than now, or at the next tick.
    for (let left = heap.size(); left > 0; left--) {
      const first = heap.first();
      if (first === undefined || first.atMs > nowMs) break;
      heap.remove(first);
      first.callback();
    }
    armFirst();
  }

  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    after(delayMs, callback) {
      const entry: Entry = {
        atMs: clock.nowMs() + Math.max(0, delayMs),
        callback,
        place: -1,
        cancel: () => heap.remove(entry),
      };
      if (isClosed) return entry;
      heap.add(entry);
      armFirst();
      return entry;
    },
    expireAll() {
      isClosed = true;
      armed?.cancel();
      for (let first = heap.first(); first !== undefined; first = heap.first()) {
        heap.remove(first);
        first.callback();
      }
    },
    pendingCount: () => heap.size(),
  };
}
