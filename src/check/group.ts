/**
 * One check that the runner repeats, and the real servers it speaks for: those of all services
 * that ask the same question of the same server share it.
 *
 * @module
 */

import type { Timer } from "../clock/index.ts";
import type { CheckSpec } from "../model/index.ts";
import { checkKey, fractionOf } from "./check-key.ts";
import type { Check, CheckResult, CheckTarget } from "./check.ts";
import { fixedResult } from "./create-check.ts";
import { initialMonitorState } from "./monitor.ts";
import type { Health, MonitorState } from "./monitor.ts";

/** What is known of one real server; replaced, never changed. */
export interface HealthState {
  readonly health: Health;
  /** Wall-clock time of the last change of `health`; undefined: none yet. */
  readonly changedAtMs: number | undefined;
  readonly lastResult: CheckResult | undefined;
  /** Wall-clock time of the last result. */
  readonly lastAtMs: number | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** Why it is in this state, one line. */
  readonly reason: string;
}

/** One real server of one service that is to be checked. */
export interface HealthTarget {
  /** The caller's name for it, unique. */
  readonly id: string;
  readonly spec: CheckSpec;
  /** `port` is the port to check. Undefined: its name has no address, so it is down. */
  readonly target: CheckTarget | undefined;
}

/** A repeated check; the runner owns it. */
export interface Group {
  readonly key: string;
  readonly spec: CheckSpec;
  readonly target: CheckTarget | undefined;
  /** Undefined: nothing is asked, the state is known. */
  readonly check: Check | undefined;
  readonly phaseMs: number;
  ids: readonly string[];
  monitor: MonitorState;
  state: HealthState;
  /** When the next or running check should start or have started, monotonic. */
  dueAtMs: number;
  startedAtMs: number;
  /** Runs or waits for a slot. */
  isBusy: boolean;
  isClosed: boolean;
  timer: Timer | undefined;
}

/** State before the first check. */
export const uncheckedState: HealthState = {
  health: "unchecked",
  changedAtMs: undefined,
  lastResult: undefined,
  lastAtMs: undefined,
  failures: 0,
  reason: "not checked yet",
};

/** One line that explains a result. */
export function describeResult(result: CheckResult): string {
  return result.up ? "the check passed" : `${result.reason}: ${result.detail}`;
}

/** State that follows from the user's word or from a missing address. */
function fixedState(result: CheckResult, wallMs: number): HealthState {
  return {
    health: result.up ? "up" : "down",
    changedAtMs: wallMs,
    lastResult: undefined,
    lastAtMs: undefined,
    failures: 0,
    reason: result.up ? "always up: the check is on" : describeResult(result),
  };
}

/** What {@link createGroup} needs. */
export interface GroupOptions {
  readonly wallMs: number;
  readonly createCheck: (spec: CheckSpec, protocol: CheckTarget["protocol"]) => Check;
}

/** Creates a group for the check that `spec` and `target` describe, without servers. */
export function createGroup(
  spec: CheckSpec,
  target: CheckTarget | undefined,
  { wallMs, createCheck }: GroupOptions,
): Group {
  const key = checkKey(spec, target);
  const fixed = fixedResult(spec, target);
  const state = fixed === undefined ? uncheckedState : fixedState(fixed, wallMs);
  return {
    key,
    spec,
    target,
    check: fixed === undefined ? createCheck(spec, target!.protocol) : undefined,
    phaseMs: fractionOf(key) * spec.intervalMs,
    ids: [],
    monitor: { ...initialMonitorState, health: state.health },
    state,
    dueAtMs: 0,
    startedAtMs: Number.NEGATIVE_INFINITY,
    isBusy: false,
    isClosed: false,
    timer: undefined,
  };
}

/** What is known by one check; another process may begin with it. */
export interface KnownHealth {
  /** Identity of the check (check-key.ts). */
  readonly key: string;
  readonly monitor: MonitorState;
  readonly state: HealthState;
}

/** True if what `from` has found out is about the very server that `to` will check. */
function isSameServer(from: Group, to: Group): boolean {
  return (
    from.spec.type !== "off" &&
    from.target !== undefined &&
    from.target.address === to.target?.address &&
    from.target.port === to.target.port
  );
}

/**
 * Lets a new group start from what is known of its servers, when only the way of checking has
 * changed: a reload with another interval must not take servers out of service. Where the servers
 * come with different knowledge, the group starts unchecked.
 */
export function inheritHealth(group: Group, previous: readonly Group[]): void {
  if (group.check === undefined) return;
  const [first, ...others] = previous.filter((from) => isSameServer(from, group));
  if (first === undefined) return;
  if (others.some((other) => other.state.health !== first.state.health)) return;
  group.state = { ...first.state, failures: 0 };
  group.monitor = { health: first.state.health, successes: 0, failures: 0 };
}
