import { describe, expect, test } from "bun:test";

import { formatDuration, parseDuration } from "../../../src/config/duration.ts";

describe("parseDuration()", () => {
  test.each([
    ["0s", 0],
    ["500ms", 500],
    ["2s", 2000],
    ["10m", 600_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["24d", 2_073_600_000],
    ["007s", 7000],
  ])("takes %s", (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  test.each(["", "5", "s", "5 s", "1.5s", "-1s", "5S", "1h30m", "25d", "99999999999ms", "1w"])(
    "refuses %p",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe("formatDuration()", () => {
  test.each([
    [0, "0s"],
    [1, "1ms"],
    [1500, "1500ms"],
    [60_000, "1m"],
    [90_000, "90s"],
    [86_400_000, "1d"],
    [3_600_000 * 36, "36h"],
  ])("writes %d ms in its largest whole unit", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
    expect(parseDuration(text)).toBe(durationMs);
  });
});
