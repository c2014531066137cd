/**
 * From results to health: rise and fall counts, fast re-checks, suspicions.
 *
 * Pure: state and event in, state and effects out. The runner owns the time and carries the
 * effects out.
 *
 * @module
 */

import type { CheckSpec } from "../model/index.ts";
import type { CheckResult } from "./check.ts";

/** `unchecked`: no check has said anything yet; such a server gets no traffic. */
export type Health = "up" | "down" | "unchecked";

/** What is known of one real server. */
export interface MonitorState {
  readonly health: Health;
  /** Successes in a row since the last failure; counted up to `rise` while down. */
  readonly successes: number;
  /** Failures in a row since the last success. */
  readonly failures: number;
}

/** Something that happened. */
export type MonitorEvent =
  | { readonly type: "result"; readonly result: CheckResult }
  /** The engine could not connect. `sinceStartMs`: how long ago the last check started. */
  | { readonly type: "suspicion"; readonly sinceStartMs: number };

/** What is to be done. Without `check-in` the next check comes in its turn. */
export type MonitorEffect =
  | { readonly type: "changed"; readonly previous: Health }
  | { readonly type: "check-in"; readonly delayMs: number };

/** The next state, and what is to be done about it. */
export type MonitorStep = readonly [MonitorState, readonly MonitorEffect[]];

/** State of a server that was never checked. */
export const initialMonitorState: MonitorState = { health: "unchecked", successes: 0, failures: 0 };

/** Least distance of checks that suspicions bring about: a dying server fails many connects. */
export const suspicionGapMs = 100;

type Thresholds = Pick<CheckSpec, "rise" | "fall" | "fastIntervalMs">;

function onSuccess(state: MonitorState, { rise }: Thresholds): MonitorStep {
  const successes = Math.min(state.successes + 1, rise);
  if (state.health === "up") return [{ health: "up", successes, failures: 0 }, []];
  // A server that was never checked waits for one success only: nobody has found fault with it.
  if (state.health === "down" && successes < rise) {
    return [{ health: "down", successes, failures: 0 }, []];
  }
  const next = { health: "up", successes, failures: 0 } as const;
  return [next, [{ type: "changed", previous: state.health }]];
}

function onFailure(state: MonitorState, { fall, fastIntervalMs }: Thresholds): MonitorStep {
  const failures = state.failures + 1;
  const next = { health: state.health, successes: 0, failures };
  if (state.health === "down") return [next, []];
  // Nothing was sent to an unchecked server yet, so no second opinion is worth waiting for.
  if (state.health === "up" && failures < fall) {
    return [next, [{ type: "check-in", delayMs: fastIntervalMs }]];
  }
  return [{ ...next, health: "down" }, [{ type: "changed", previous: state.health }]];
}

/** One step. */
export function stepMonitor(
  state: MonitorState,
  event: MonitorEvent,
  thresholds: Thresholds,
): MonitorStep {
  if (event.type === "suspicion") {
    // A server that gets no traffic cannot be suspected.
    if (state.health !== "up") return [state, []];
    const delayMs = Math.max(0, suspicionGapMs - event.sinceStartMs);
    return [state, [{ type: "check-in", delayMs }]];
  }
  const { result } = event;
  if (result.up) return onSuccess(state, thresholds);
  // The director lacks something; the real server has not been asked.
  if (result.reason === "no-resources") return [state, []];
  return onFailure(state, thresholds);
}
