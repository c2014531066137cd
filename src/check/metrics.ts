/**
 * What checks cost and how late they were, as Prometheus wants it.
 *
 * @module
 */

import { failureReasons } from "./check.ts";
import type { CheckResult, FailureReason } from "./check.ts";

/** Histograms of durations and lateness; buckets are cumulative, without the infinite one. */
export interface CheckMetrics {
  readonly bucketSeconds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly sumSeconds: number;
  readonly count: number;
  /** How late checks started, the same buckets and the same count. */
  readonly latenessCounts: readonly number[];
  readonly latenessSumSeconds: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** Upper bounds: from a handshake on a LAN to the longest timeout that makes sense. */
const bucketSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30];

/** Counts checks. */
export interface MetricsRecorder {
  /** One check ended. `lateMs`: how long after its time it started. */
  record(result: CheckResult, lateMs: number): void;
  read(): CheckMetrics;
}

/** Index of the bucket a value belongs to; the number of buckets if it is above all. */
function bucketOf(seconds: number): number {
  let index = 0;
  while (index < bucketSeconds.length && seconds > bucketSeconds[index]!) index++;
  return index;
}

function cumulate(counts: readonly number[]): readonly number[] {
  let sum = 0;
  return counts.slice(0, bucketSeconds.length).map((count) => (sum += count));
}

/** Creates a recorder with all counts at 0. */
export function createMetricsRecorder(): MetricsRecorder {
  const durations = Array.from({ length: bucketSeconds.length + 1 }, () => 0);
  const lateness = Array.from({ length: bucketSeconds.length + 1 }, () => 0);
  const failures = new Map<FailureReason, number>(failureReasons.map((reason) => [reason, 0]));
  let sumSeconds = 0;
  let latenessSumSeconds = 0;
  let count = 0;
  return {
    record(result, lateMs) {
      count += 1;
      sumSeconds += result.tookMs / 1000;
      latenessSumSeconds += lateMs / 1000;
      durations[bucketOf(result.tookMs / 1000)]! += 1;
      lateness[bucketOf(lateMs / 1000)]! += 1;
      if (!result.up) failures.set(result.reason, failures.get(result.reason)! + 1);
    },
    read: () => ({
      bucketSeconds,
      bucketCounts: cumulate(durations),
      sumSeconds,
      count,
      latenessCounts: cumulate(lateness),
      latenessSumSeconds,
      failures: Object.fromEntries(failures),
    }),
  };
}
