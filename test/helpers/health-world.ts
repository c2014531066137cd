/**
 * A health runner with a clock and checks of the test's own.
 *
 * @module
 */
import type { Check, CheckResult, CheckTarget, FailureReason } from "../../src/check/check.ts";
import type { HealthTarget } from "../../src/check/group.ts";
import { createHealthRunner } from "../../src/check/runner.ts";
import type { HealthRunnerOptions } from "../../src/check/runner.ts";
import type { LogFields } from "../../src/log/index.ts";
import type { CheckSpec } from "../../src/model/index.ts";
import { checkSpec, checkTarget } from "./check-fixture.ts";
import { createFakeClock } from "./fake-clock.ts";

/** What a server answers: at once, or never within its deadline. */
export type Answer = "up" | "hang" | FailureReason;

/** Port 80, or another one, of an address. */
export const target = (address: string, port = 80): CheckTarget => checkTarget(port, { address });

/** One server a call; all with the same spec unless told otherwise. */
export function server(
  id: string,
  spec: Partial<CheckSpec> = {},
  at = target(`192.0.2.${id.charCodeAt(0)}`),
): HealthTarget {
  return { id, spec: checkSpec(spec), target: at };
}

/** A runner with a clock that stands still, and checks that answer as told. */
export function createWorld(options: Partial<HealthRunnerOptions> = {}) {
  const clock = createFakeClock(10_000);
  /** By address; what is not here is up. */
  const answers = new Map<string, Answer>();
  const starts: { address: string; atMs: number }[] = [];
  const changes: string[] = [];
  const results: string[] = [];
  const logged: [string, LogFields | undefined][] = [];
  let running = 0;
  let runningMost = 0;
  const checks = (): Check => ({
    name: "fake",
    async run({ address }, timeoutMs) {
      const answer = answers.get(address) ?? "up";
      starts.push({ address, atMs: clock.nowMs() });
      running += 1;
      runningMost = Math.max(runningMost, running);
      if (answer === "hang") {
        await new Promise<void>((resolve) => void clock.after(timeoutMs, resolve));
      }
      running -= 1;
      if (answer === "up") return { up: true, tookMs: 1 };
      const reason = answer === "hang" ? "timeout" : answer;
      return { up: false, tookMs: 1, reason, detail: "as told" } satisfies CheckResult;
    },
  });
  const runner = createHealthRunner({
    clock,
    checks,
    concurrencyMax: 100,
    scriptUser: "nobody",
    onChange: (id, state, previous) =>
      void changes.push(`${id} ${previous.health}>${state.health} ${state.reason}`),
    onResult: (id, result) => void results.push(`${id} ${result.up}`),
    log: { log: (_level, event, fields) => void logged.push([event, fields]) },
    ...options,
  });
  /** Lets time pass in small steps, with the checks' promises in between. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 5) {
      clock.advance(5);
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  };
  const startsOf = (address: string): number[] =>
    starts.filter((start) => start.address === address).map((start) => start.atMs);
  return {
    clock,
    answers,
    starts,
    changes,
    results,
    logged,
    runner,
    pass,
    startsOf,
    runningMost: () => runningMost,
  };
}

/** Address of the server `a`. */
export const a = "192.0.2.97";
/** Address of the server `b`. */
export const b = "192.0.2.98";
