/**
 * When checks start: phase, missed turns, checks out of turn.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { firstStartDelayMs, nextStartMs } from "../../../src/check/schedule.ts";

describe("nextStartMs", () => {
  test.each<[string, number, number, number]>([
    ["follows one interval after a start in phase", 2305, 2300, 3300],
    ["follows one interval after a start that was late", 2350, 2340, 3300],
    ["skips turns that a long check has missed", 5400, 2300, 6300],
    ["does not follow a check out of turn at once", 3200, 3190, 4300],
    ["comes back into phase half an interval later", 2760, 2750, 3300],
    ["does not start now what is due now", 3300, 2300, 4300],
    ["takes a phase that lies ahead", 10, 0, 1300],
  ])("%s", (_name, nowMs, startedAtMs, expected) => {
    expect(nextStartMs({ nowMs, startedAtMs, intervalMs: 1000, phaseMs: 300 })).toBe(expected);
  });
});

test("firstStartDelayMs spreads 10,000 checks over one second", () => {
  expect([0, 1, 4, 10_000].map(firstStartDelayMs)).toEqual([0, 0.1, 0.4, 1000]);
});
