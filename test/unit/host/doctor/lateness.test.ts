import { expect, test } from "bun:test";

import { recommendProfile, summarize } from "../../../../src/host/doctor/lateness.ts";

test("summarize() has median, 99th of 100 and greatest", () => {
  const samples = Array.from({ length: 200 }, (_, index) => 199 - index);
  expect(summarize(samples)).toEqual({ medianMs: 100, p99Ms: 198, maxMs: 199 });
  expect(summarize([3])).toEqual({ medianMs: 3, p99Ms: 3, maxMs: 3 });
});

test.each([
  [0.1, 0.5, "lan"],
  [20, 130, "lan"],
  [20.1, 20.1, "vm"],
  [1, 131, "vm"],
  [50, 450, "vm"],
  [51, 60, "slow"],
  [1, 451, "slow"],
])("recommendProfile() at %d ms of 99, %d ms at most is %s", (p99Ms, maxMs, name) => {
  expect(recommendProfile({ medianMs: 0, p99Ms, maxMs }).name).toBe(name as "lan");
});

test("recommendProfile() names the timing", () => {
  expect(recommendProfile({ medianMs: 0, p99Ms: 0, maxMs: 0 })).toMatchObject({
    advertiseInterval: "20ms",
    downAfter: "300ms",
  });
});
