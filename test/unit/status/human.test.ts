import { describe, expect, test } from "bun:test";

import {
  formatAgo,
  formatBytes,
  formatCount,
  formatRate,
  formatSpan,
} from "../../../src/status/human.ts";

describe("formatBytes", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [1550, "1.6 kB"],
    [15_234, "15 kB"],
    [999_400, "999 kB"],
    [999_600, "1.0 MB"],
    [1_234_567_890, "1.2 GB"],
    [5e18, "5000 PB"],
  ])("%d", (bytes, expected) => expect(formatBytes(bytes)).toBe(expected));
});

describe("formatCount", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("%d", (value, expected) => expect(formatCount(value)).toBe(expected));
});

describe("formatRate", () => {
  test.each([
    [0, "0"],
    [3.42, "3.4"],
    [9.94, "9.9"],
    [9.96, "10"],
    [1234.5, "1,235"],
  ])("%d", (value, expected) => expect(formatRate(value)).toBe(expected));
});

describe("formatSpan", () => {
  test.each([
    [-5, "0 ms"],
    [1.53, "1.5 ms"],
    [250, "250 ms"],
    [1000, "1 s"],
    [119_000, "119 s"],
    [120_000, "2 min"],
    [7_100_000, "118 min"],
    [7_200_000, "2 h"],
    [86_400_000, "24 h"],
    [172_800_000, "2 d"],
  ])("%d ms", (spanMs, expected) => expect(formatSpan(spanMs)).toBe(expected));
});

test("formatAgo counts from an RFC 3339 time", () => {
  const nowMs = Date.parse("2026-03-01T10:00:03.000Z");
  expect(formatAgo("2026-03-01T10:00:00.000Z", nowMs)).toBe("3 s ago");
});
