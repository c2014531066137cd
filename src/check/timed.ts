/**
 * What every check that asks over the network shares: its deadline, its time, its result.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { CheckResult } from "./check.ts";
import type { Deadline } from "./connector.ts";
import { down, up } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** Asks under one deadline. `ask` gives undefined for up, and settles by the deadline. */
export async function timed(
  clock: Clock,
  timeoutMs: number,
  ask: (deadline: Deadline) => Promise<Failure | undefined>,
): Promise<CheckResult> {
  const startedAtMs = clock.nowMs();
  const failure = await ask({ atMs: startedAtMs + timeoutMs, limitMs: timeoutMs });
  const tookMs = clock.nowMs() - startedAtMs;
  return failure === undefined ? up(tookMs) : down(tookMs, failure);
}
