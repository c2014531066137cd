/**
 * Metrics of checks: cumulative buckets, sums, failures by reason.
 *
 * @module
 */
import { expect, test } from "bun:test";

import { failureReasons } from "../../../src/check/check.ts";
import { createMetricsRecorder } from "../../../src/check/metrics.ts";

test("read gives zeros before the first check, with every reason named", () => {
  const metrics = createMetricsRecorder().read();
  expect(metrics.count).toBe(0);
  expect(metrics.bucketCounts).toEqual(metrics.bucketSeconds.map(() => 0));
  expect(Object.keys(metrics.failures)).toEqual([...failureReasons]);
});

test("record fills cumulative buckets, bounds included, and the sums", () => {
  const recorder = createMetricsRecorder();
  recorder.record({ up: true, tookMs: 1 }, 0);
  recorder.record({ up: true, tookMs: 200 }, 40);
  recorder.record({ up: false, tookMs: 60_000, reason: "timeout", detail: "" }, 201);
  const metrics = recorder.read();
  const at = (counts: readonly number[], seconds: number): number =>
    counts[metrics.bucketSeconds.indexOf(seconds)]!;
  expect([0.001, 0.1, 0.2, 30].map((bound) => at(metrics.bucketCounts, bound))).toEqual([
    1, 1, 2, 2,
  ]);
  expect([0.001, 0.05, 0.2, 0.5].map((bound) => at(metrics.latenessCounts, bound))).toEqual([
    1, 2, 2, 3,
  ]);
  expect(metrics.count).toBe(3);
  expect(metrics.sumSeconds).toBeCloseTo(60.201, 6);
  expect(metrics.latenessSumSeconds).toBeCloseTo(0.241, 6);
  expect(metrics.failures["timeout"]).toBe(1);
  expect(metrics.failures["refused"]).toBe(0);
});
