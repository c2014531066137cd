/**
 * Time stamps of signed packets: only newer ones, near what the own monotonic clock predicts.
 */
import { describe, expect, test } from "bun:test";

import { createStampWindow, judgeStamp } from "../../../src/vrrp/stamp.ts";
import type { StampWindow } from "../../../src/vrrp/stamp.ts";

function judge(window: StampWindow, seconds: number, counter: number, nowMs: number): string {
  return judgeStamp(window, { seconds, subseconds: 0, counter }, nowMs);
}

describe("judgeStamp()", () => {
  test("takes the first one, whatever the wall clock says", () => {
    expect(judge(createStampWindow(100), 5, 0, 1e9)).toBe("accepted");
  });

  test("takes greater ones only", () => {
    const window = createStampWindow(100);
    expect(judge(window, 1000, 1, 0)).toBe("accepted");
    expect(judge(window, 1000, 1, 10)).toBe("replayed");
    expect(judge(window, 1000, 0, 10)).toBe("replayed");
    expect(judge(window, 1000, 2, 10)).toBe("accepted");
    expect(judge(window, 999, 9, 20)).toBe("replayed");
    expect(judge(window, 1001, 0, 1000)).toBe("accepted");
  });

  test("ages by the own clock: an old packet played back later is an alarm", () => {
    const window = createStampWindow(100);
    judge(window, 1000, 0, 0);
    expect(judge(window, 1003, 0, 60_000)).toBe("clock-alarm");
    expect(judge(window, 1060, 0, 60_000)).toBe("clock-alarm");
  });

  test("a clock set forward is an alarm once", () => {
    const window = createStampWindow(100);
    judge(window, 1000, 0, 0);
    expect(judge(window, 4600, 0, 100)).toBe("clock-alarm");
    expect(judge(window, 4600, 1, 200)).toBe("accepted");
  });

  test("a clock set back is an alarm each time, and never a base", () => {
    const window = createStampWindow(100);
    judge(window, 4600, 0, 0);
    expect(judge(window, 1000, 0, 100)).toBe("clock-alarm");
    expect(judge(window, 1000, 1, 200)).toBe("clock-alarm");
    expect(judge(window, 4601, 0, 1000)).toBe("accepted");
  });

  test.each([
    [100, 5000],
    [10_000, 30_000],
  ])("the window of an interval of %i ms is %i ms", (intervalMs, windowMs) => {
    expect(createStampWindow(intervalMs).windowMs).toBe(windowMs);
  });
});
