/**
 * Times: profiles of the product, and the formulas that keepalived was measured against.
 */
import { describe, expect, test } from "bun:test";

import { activeDownMs, deriveTiming, skewMs } from "../../../src/vrrp/timing.ts";

describe("deriveTiming()", () => {
  // version, advertise_interval, down_after; then send, wire, dead time, lease.
  test.each([
    ["lan", 3, 20, 300, [20, 100, 300, 260]],
    ["vm", 3, 50, 1000, [50, 330, 990, 890]],
    ["plain VRRP", 3, 1000, 3000, [500, 1000, 3000, 2000]],
    ["keepalived at 10 ms", 3, 10, 30, [5, 10, 30, 10]],
    ["a dead time between the units", 3, 20, 305, [20, 100, 300, 260]],
    ["version 2", 2, 1000, 3000, [500, 1000, 3000, 2000]],
    ["version 2 sent often", 2, 20, 3500, [20, 1000, 3000, 2960]],
    ["too short", 3, 10, 5, [5, 10, 30, 10]],
    ["too long", 3, 1000, 1e9, [1000, 40_950, 122_850, 120_850]],
  ] as const)("%s", (_name, version, advertiseIntervalMs, downAfterMs, expected) => {
    const timing = deriveTiming({ version, advertiseIntervalMs, downAfterMs });
    const { sendIntervalMs, wireIntervalMs, deadTimeMs, leaseMs } = timing;
    expect([sendIntervalMs, wireIntervalMs, deadTimeMs, leaseMs]).toEqual([...expected]);
  });
});

test.each([
  [2, 100, 1000, 609.375],
  [2, 100, 5000, 609.375],
  [3, 100, 1000, 609.375],
  [3, 100, 100, 60.9375],
  [3, 255, 1000, 3.90625],
] as const)(
  "skewMs() version %i priority %i at %i ms is %d",
  (version, priority, intervalMs, expected) => {
    expect(skewMs(version, priority, intervalMs)).toBe(expected);
  },
);

// Measured from keepalived: 3609.8, 361.7 and 36.6 ms.
test.each([
  [2, 1000, 3609.375],
  [3, 100, 360.9375],
  [3, 10, 36.09375],
] as const)(
  "activeDownMs() version %i at %i ms is %d for priority 100",
  (version, intervalMs, expected) => {
    expect(activeDownMs(version, 100, intervalMs)).toBe(expected);
  },
);
