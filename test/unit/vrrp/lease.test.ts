/**
 * The lease is always shorter than the shortest time after which a listener may take over.
 */
import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { deriveTiming } from "../../../src/vrrp/index.ts";
import { leaseMarginMs, leaseMsOf, shortestTakeoverMs } from "../../../src/vrrp/lease.ts";

test.each([
  [5, 20],
  [10, 20],
  [20, 40],
  [500, 1000],
])("leaseMarginMs() at %i ms is %i", (sendIntervalMs, expected) => {
  expect(leaseMarginMs(sendIntervalMs)).toBe(expected);
  expect(leaseMsOf(1000, sendIntervalMs)).toBe(1000 - expected);
});

describe("shortestTakeoverMs()", () => {
  test.each([
    [3, 100, 300],
    [3, 10, 30],
    [2, 1000, 3000],
    [2, 2500, 6000],
  ] as const)("version %i, %i ms on the wire: %i", (version, wireIntervalMs, expected) => {
    expect(shortestTakeoverMs(version, wireIntervalMs)).toBe(expected);
  });

  test("is longer than every lease that is derived, by two of our intervals and 20 ms", () => {
    const options = fc.record({
      version: fc.constantFrom(2 as const, 3 as const),
      advertiseIntervalMs: fc.integer({ min: 10, max: 40_950 }),
      downAfterMs: fc.integer({ min: 30, max: 3_600_000 }),
    });
    const property = fc.property(options, (one) => {
      const { leaseMs, wireIntervalMs, sendIntervalMs } = deriveTiming(one);
      const shortest = shortestTakeoverMs(one.version, wireIntervalMs);
      expect(leaseMs).toBeGreaterThan(0);
      expect(shortest - leaseMs).toBeGreaterThanOrEqual(Math.max(20, 2 * sendIntervalMs) - 1e-6);
      expect(leaseMs).toBeGreaterThanOrEqual(2 * sendIntervalMs - 1e-6);
    });
    fc.assert(property, { seed: Number(process.env["FUZZ_SEED"] ?? 1) });
  });
});
