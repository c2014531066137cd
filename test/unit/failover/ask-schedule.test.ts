/**
 * When addresses are asked for.
 */
import { describe, expect, test } from "bun:test";

import { AskSchedule } from "../../../src/failover/ask-schedule.ts";

/** Everything due at a time. */
function take(schedule: AskSchedule, nowMs: number, hasHolder = false): number[] {
  const taken: number[] = [];
  for (let index = schedule.take(nowMs, hasHolder); index !== -1;) {
    taken.push(index);
    index = schedule.take(nowMs, hasHolder);
  }
  return taken;
}

describe("AskSchedule", () => {
  test("asks three times at start, within the dead time", () => {
    const schedule = new AskSchedule(2, 300);
    expect([schedule.nextAtMs, schedule.isStart]).toEqual([Infinity, false]);
    schedule.beginStart(1000);
    expect(schedule.isStart).toBe(true);
    expect([1000, 1074, 1075, 1149, 1150, 9000].map((nowMs) => take(schedule, nowMs))).toEqual([
      [0, 1],
      [],
      [0, 1],
      [],
      [0, 1],
      [],
    ]);
    // Until it is known how the addresses are held.
    expect([schedule.nextAtMs, schedule.isStart]).toEqual([Infinity, true]);
    schedule.stop();
    expect(schedule.isStart).toBe(false);
  });

  test("asks once after a takeover", () => {
    const schedule = new AskSchedule(1, 300);
    schedule.beginStart(0);
    schedule.beginTakeover(100);
    expect([take(schedule, 99), take(schedule, 100), take(schedule, 5000)]).toEqual([[], [0], []]);
    expect(schedule.isStart).toBe(false);
  });

  test("asks for many addresses in bursts of ten, 20 ms apart", () => {
    const schedule = new AskSchedule(25, 3000);
    schedule.beginTakeover(0);
    expect(take(schedule, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(schedule.nextAtMs).toBe(20);
    expect([take(schedule, 19), take(schedule, 20).length, take(schedule, 40).length]).toEqual([
      [],
      10,
      5,
    ]);
  });

  test("asks a holder each second until it is silent", () => {
    const schedule = new AskSchedule(1, 300);
    schedule.beginStart(0);
    for (const nowMs of [0, 75, 150]) take(schedule, nowMs);
    // An answer after the last question: it is asked for again all the same.
    schedule.noteAnswer(160);
    expect(take(schedule, 1160, true)).toEqual([0]);
    schedule.noteAnswer(1161);
    expect(take(schedule, 2160, true)).toEqual([0]);
    expect([schedule.hasFallenSilent(4660), schedule.hasFallenSilent(4661)]).toEqual([false, true]);
    // Said once.
    expect(schedule.hasFallenSilent(9000)).toBe(false);
  });

  test("asks for nothing without addresses", () => {
    const schedule = new AskSchedule(0, 300);
    schedule.beginStart(0);
    expect([schedule.nextAtMs, take(schedule, 0)]).toEqual([Infinity, []]);
  });
});
