/**
 * The timer queue: order, one timer underneath, ticks, stalls.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { createTimerQueue } from "../../../src/check/timer-queue.ts";
import type { Clock } from "../../../src/clock/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

/** A queue that notes which of its timers have run, and when. */
function createRecording() {
  const clock = createFakeClock();
  const queue = createTimerQueue(clock);
  const ran: string[] = [];
  const add = (name: string, delayMs: number) =>
    queue.after(delayMs, () => void ran.push(`${name}@${clock.nowMs()}`));
  return { clock, queue, ran, add };
}

describe("after", () => {
  test("runs timers in the order of their time, not of their start", () => {
    const { clock, ran, add } = createRecording();
    add("c", 30);
    add("a", 10);
    add("d", 40);
    add("b", 20);
    clock.advance(100);
    expect(ran).toEqual(["a@10", "b@20", "c@30", "d@40"]);
  });

  test("rounds up to ticks of 5 ms and never runs early", () => {
    const { clock, ran, add } = createRecording();
    add("a", 1);
    add("b", 5);
    add("c", 6);
    clock.advance(4);
    expect(ran).toEqual([]);
    clock.advance(6);
    expect(ran).toEqual(["a@5", "b@5", "c@10"]);
  });

  test("takes one timer of the clock for any number of its own", () => {
    const { clock, queue, add } = createRecording();
    for (let index = 0; index < 1000; index++) add(String(index), 1000 - index);
    expect(queue.pendingCount()).toBe(1000);
    expect(clock.pendingCount()).toBe(1);
  });

  test("takes none when nothing waits", () => {
    const { clock, add } = createRecording();
    add("a", 10);
    clock.advance(10);
    expect(clock.pendingCount()).toBe(0);
  });

  test("treats a delay below 0 as 0", () => {
    const { clock, ran, add } = createRecording();
    add("a", -50);
    clock.advance(5);
    expect(ran).toEqual(["a@0"]);
  });

  test("runs what a callback adds later, never in the same turn", () => {
    const { clock, queue, ran } = createRecording();
    let turns = 0;
    const again = (): void => {
      turns += 1;
      if (turns < 3) queue.after(0, again);
      ran.push(`${turns}@${clock.nowMs()}`);
    };
    queue.after(0, again);
    clock.advance(0);
    expect(ran).toEqual(["1@0", "2@0", "3@0"]);
  });
});

describe("cancel", () => {
  test.each([0, 1, 2, 3, 4, 5, 6])("takes timer %i out and leaves the others", (victim) => {
    const { clock, ran, add } = createRecording();
    const delays = [70, 10, 50, 30, 60, 20, 40];
    const timers = delays.map((delayMs) => add(String(delayMs), delayMs));
    timers[victim]!.cancel();
    timers[victim]!.cancel();
    clock.advance(100);
    const expected = [10, 20, 30, 40, 50, 60, 70].filter((delayMs) => delayMs !== delays[victim]);
    expect(ran).toEqual(expected.map((delayMs) => `${delayMs}@${delayMs}`));
  });

  test("of a timer that has run does nothing", () => {
    const { clock, ran, add } = createRecording();
    const timer = add("a", 5);
    add("b", 20);
    clock.advance(5);
    timer.cancel();
    clock.advance(20);
    expect(ran).toEqual(["a@5", "b@20"]);
  });
});

describe("a stall", () => {
  /** A clock whose time the test sets, so that timers can be late. */
  function createLateClock() {
    let nowMs = 0;
    let armed: { callback: () => void; atMs: number } | undefined;
    const clock: Clock = {
      nowMs: () => nowMs,
      wallMs: () => nowMs,
      after(delayMs, callback) {
        armed = { callback, atMs: nowMs + delayMs };
        return { cancel: () => (armed = undefined) };
      },
    };
    const fireAt = (atMs: number): number | undefined => {
      nowMs = atMs;
      armed?.callback();
      return armed?.atMs;
    };
    return { clock, fireAt };
  }

  test("gives sockets 20 ms to be read before timers count", () => {
    const { clock, fireAt } = createLateClock();
    let ran = 0;
    createTimerQueue(clock).after(50, () => void ran++);
    expect(fireAt(5000)).toBe(5020);
    expect(ran).toBe(0);
    fireAt(5020);
    expect(ran).toBe(1);
  });

  test("defers once only, however late the next wake-up is", () => {
    const { clock, fireAt } = createLateClock();
    let ran = 0;
    createTimerQueue(clock).after(50, () => void ran++);
    fireAt(5000);
    fireAt(9000);
    expect(ran).toBe(1);
  });

  test("is not seen in a wake-up that is 100 ms late", () => {
    const { clock, fireAt } = createLateClock();
    let ran = 0;
    createTimerQueue(clock).after(50, () => void ran++);
    fireAt(150);
    expect(ran).toBe(1);
  });
});

describe("expireAll", () => {
  test("runs everything now, in order, and takes no more", () => {
    const { clock, queue, ran, add } = createRecording();
    add("b", 500);
    add("a", 100);
    queue.after(700, () => add("late", 0));
    queue.expireAll();
    expect(ran).toEqual(["a@0", "b@0"]);
    clock.advance(1000);
    expect(ran).toEqual(["a@0", "b@0"]);
    expect(queue.pendingCount()).toBe(0);
    expect(clock.pendingCount()).toBe(0);
  });
});
