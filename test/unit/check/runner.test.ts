/**
 * The runner with a clock and checks of the test's own: turns, sharing, bounds, changes, close.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import type { Check, CheckResult, CheckTarget, FailureReason } from "../../../src/check/check.ts";
import type { HealthTarget } from "../../../src/check/group.ts";
import { createHealthRunner } from "../../../src/check/runner.ts";
import type { HealthRunnerOptions } from "../../../src/check/runner.ts";
import type { LogFields } from "../../../src/log/index.ts";
import type { CheckSpec } from "../../../src/model/index.ts";
import { checkSpec, checkTarget } from "../../helpers/check-fixture.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

/** What a server answers: at once, or never within its deadline. */
type Answer = "up" | "hang" | FailureReason;

const target = (address: string, port = 80): CheckTarget => checkTarget(port, { address });

/** One server a call; all with the same spec unless told otherwise. */
function server(
  id: string,
  spec: Partial<CheckSpec> = {},
  at = target(`192.0.2.${id.charCodeAt(0)}`),
): HealthTarget {
  return { id, spec: checkSpec(spec), target: at };
}

function createWorld(options: Partial<HealthRunnerOptions> = {}) {
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

const a = "192.0.2.97";
const b = "192.0.2.98";

describe("apply", () => {
  test("checks new servers soon and tells of the first result", async () => {
    const { runner, pass, changes, results } = createWorld();
    runner.apply([server("a"), server("b")]);
    expect(runner.state("a")).toMatchObject({ health: "unchecked", reason: "not checked yet" });
    await pass(10);
    expect(changes).toEqual(["a unchecked>up the check passed", "b unchecked>up the check passed"]);
    expect(results).toEqual(["a true", "b true"]);
    expect(runner.state("a")).toEqual({
      health: "up",
      changedAtMs: 10_005,
      lastResult: { up: true, tookMs: 1 },
      lastAtMs: 10_005,
      failures: 0,
      reason: "the check passed",
    });
  });

  test("knows nothing of a server that is not in the set", async () => {
    const { runner, pass } = createWorld();
    runner.apply([server("a")]);
    await pass(10);
    runner.apply([]);
    expect(runner.state("a")).toBeUndefined();
    expect(runner.state("nobody")).toBeUndefined();
  });

  test("keeps state and phase of a server that has not changed", async () => {
    const { runner, pass, startsOf, changes } = createWorld();
    runner.apply([server("a"), server("b")]);
    await pass(2500);
    const phase = startsOf(a).at(-1)! % 1000;
    runner.apply([server("c"), server("a")]);
    await pass(2500);
    expect(changes.filter((line) => line.startsWith("a"))).toHaveLength(1);
    const late = startsOf(a).slice(1);
    expect(new Set(late.map((atMs) => atMs % 1000))).toEqual(new Set([phase]));
    expect(startsOf(b).at(-1)).toBeLessThan(12_600);
  });

  test("spreads servers over the interval after the first pass", async () => {
    const { runner, pass, starts } = createWorld();
    const many = Array.from({ length: 100 }, (_, index) =>
      server(`s${index}`, {}, target(`10.0.0.${index}`)),
    );
    runner.apply(many);
    await pass(3000);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const { atMs } of starts.slice(100)) tenths[Math.floor((atMs % 1000) / 100)]! += 1;
    expect(starts.length).toBeGreaterThan(250);
    expect(Math.min(...tenths)).toBeGreaterThan(0);
  });

  test("keeps health when only the way of checking has changed", async () => {
    const { runner, pass, changes, answers } = createWorld();
    runner.apply([server("a")]);
    await pass(10);
    answers.set(a, "refused");
    runner.apply([server("a", { intervalMs: 500, fall: 3 })]);
    expect(runner.state("a")!.health).toBe("up");
    await pass(60);
    expect(runner.state("a")).toMatchObject({ health: "up", failures: 1 });
    await pass(400);
    expect(changes).toEqual(["a unchecked>up the check passed", "a up>down refused: as told"]);
  });

  test("starts anew when the address has changed, and says so", async () => {
    const { runner, pass, changes, answers } = createWorld();
    answers.set("192.0.2.7", "hang");
    runner.apply([server("a")]);
    await pass(10);
    runner.apply([server("a", {}, target("192.0.2.7"))]);
    await pass(10);
    expect(changes.at(-1)).toBe("a up>unchecked not checked yet");
  });

  test("needs no check for on, off and names without address; tells of them later", async () => {
    const { runner, pass, changes, starts } = createWorld();
    runner.apply([
      server("a", { type: "on" }),
      server("b", { type: "off" }),
      { id: "c", spec: checkSpec(), target: undefined },
    ]);
    expect(changes).toEqual([]);
    expect(["a", "b", "c"].map((id) => runner.state(id)!.health)).toEqual(["up", "down", "down"]);
    await pass(2000);
    expect(starts).toEqual([]);
    expect(changes).toEqual([
      "a unchecked>up always up: the check is on",
      "b unchecked>down disabled: the check is off",
      "c unchecked>down unresolved: the name has no address",
    ]);
    expect(runner.firstPassDone()).toBe(true);
  });

  test("drops the result of a check that ends after its server has gone", async () => {
    const { runner, pass, changes, answers } = createWorld();
    answers.set(a, "hang");
    runner.apply([server("a")]);
    await pass(10);
    runner.apply([]);
    await pass(1000);
    expect(changes).toEqual([]);
    expect(runner.metrics().count).toBe(0);
  });
});

describe("servers that ask the same", () => {
  test("are checked once and told together", async () => {
    const { runner, pass, changes, starts } = createWorld();
    runner.apply([server("a"), server("x", {}, target(a)), server("y", {}, target(a))]);
    await pass(10);
    expect(starts).toHaveLength(1);
    expect(changes).toHaveLength(3);
  });

  test("share what is known with one that joins", async () => {
    const { runner, pass, changes, starts } = createWorld();
    runner.apply([server("a")]);
    await pass(10);
    runner.apply([server("a"), server("x", {}, target(a))]);
    await pass(5);
    expect(runner.state("x")!.health).toBe("up");
    expect(changes).toEqual(["a unchecked>up the check passed", "x unchecked>up the check passed"]);
    expect(starts).toHaveLength(1);
  });

  test("go on when one of them leaves", async () => {
    const { runner, pass, answers, changes } = createWorld();
    runner.apply([server("a"), server("x", {}, target(a))]);
    await pass(10);
    runner.apply([server("x", {}, target(a))]);
    answers.set(a, "reset");
    await pass(2200);
    expect(changes.slice(2)).toEqual(["x up>down reset: as told"]);
  });
});

describe("failures", () => {
  test("are looked at again fast, and make a server down with the last reason", async () => {
    const { runner, pass, answers, changes, startsOf } = createWorld();
    runner.apply([server("a", { fall: 3 })]);
    await pass(10);
    answers.set(a, "refused");
    await pass(2200);
    const [first, second, third] = startsOf(a).slice(1);
    expect(second! - first!).toBe(100);
    expect(third! - second!).toBe(100);
    expect(changes.at(-1)).toBe("a up>down refused: as told");
    expect(runner.state("a")).toMatchObject({
      health: "down",
      failures: 3 + startsOf(a).length - 4,
    });
  });

  test("of a server that is down show the present reason", async () => {
    const { runner, pass, answers } = createWorld();
    answers.set(a, "refused");
    runner.apply([server("a")]);
    await pass(10);
    answers.set(a, "tls");
    await pass(2000);
    expect(runner.state("a")!.reason).toBe("tls: as told");
  });

  test("for want of resources change nothing, are logged and counted", async () => {
    const { runner, pass, answers, changes, logged } = createWorld();
    runner.apply([server("a", { fall: 1 }), server("b")]);
    await pass(10);
    answers.set(a, "no-resources");
    await pass(3000);
    expect(runner.state("a")).toMatchObject({ health: "up", failures: 0 });
    expect(changes).toHaveLength(2);
    expect(logged[0]).toEqual([
      "check-no-resources",
      { check: "fake", server: `${a}:80`, detail: "as told" },
    ]);
    expect(runner.metrics().failures["no-resources"]).toBeGreaterThan(1);
  });

  test("of a check that breaks its promise are failures of the server, and logged", async () => {
    const logged: string[] = [];
    const { runner, pass, changes } = createWorld({
      checks: () => ({ name: "broken", run: () => Promise.reject(new Error("oops")) }),
      log: { log: (level, event) => void logged.push(`${level} ${event}`) },
    });
    runner.apply([server("a")]);
    await pass(10);
    expect(changes).toEqual(["a unchecked>down bad-answer: internal: oops"]);
    expect(logged).toEqual(["error check-bug"]);
  });
});

describe("suspect", () => {
  test("brings a check at once, and a fast one after it fails", async () => {
    const { runner, pass, answers, changes, starts } = createWorld();
    runner.apply([server("a", { intervalMs: 60_000 })]);
    await pass(5000);
    const before = starts.length;
    answers.set(a, "refused");
    runner.suspect("a");
    await pass(10);
    expect(starts.length).toBe(before + 1);
    await pass(110);
    expect(changes.at(-1)).toBe("a up>down refused: as told");
  });

  test("a thousand times brings ten checks a second", async () => {
    const { runner, pass, starts } = createWorld();
    runner.apply([server("a", { intervalMs: 60_000 })]);
    await pass(1000);
    const before = starts.length;
    for (let round = 0; round < 200; round++) {
      for (let count = 0; count < 5; count++) runner.suspect("a");
      await pass(5);
    }
    expect(starts.length - before).toBeLessThanOrEqual(11);
    expect(starts.length - before).toBeGreaterThanOrEqual(9);
  });

  test("does nothing for servers that are down, unknown or fixed", async () => {
    const { runner, pass, answers, starts } = createWorld();
    answers.set(a, "refused");
    runner.apply([server("a", { intervalMs: 60_000 }), server("b", { type: "on" })]);
    await pass(1000);
    for (const id of ["a", "b", "nobody"]) runner.suspect(id);
    await pass(1000);
    expect(starts).toHaveLength(1);
  });

  test("does not disturb a check that is under way", async () => {
    const { runner, pass, answers, starts } = createWorld();
    runner.apply([server("a", { intervalMs: 60_000 })]);
    await pass(1000);
    answers.set(a, "hang");
    runner.suspect("a");
    await pass(200);
    runner.suspect("a");
    await pass(200);
    expect(starts).toHaveLength(2);
  });
});

describe("bounds", () => {
  test("at most so many checks run at once, and all get their turn", async () => {
    const { runner, pass, answers, starts, runningMost } = createWorld({ concurrencyMax: 3 });
    const many = Array.from({ length: 12 }, (_, index) => {
      answers.set(`10.0.0.${index}`, "hang");
      return server(`s${index}`, { timeoutMs: 100 }, target(`10.0.0.${index}`));
    });
    runner.apply(many);
    await pass(420);
    expect(runningMost()).toBe(3);
    expect(new Set(starts.map(({ address }) => address)).size).toBe(12);
  });

  test("external checks have a bound of their own and do not hold up others", async () => {
    const { runner, pass, answers, starts } = createWorld();
    const external = Array.from({ length: 20 }, (_, index) => {
      answers.set(`10.0.0.${index}`, "hang");
      return server(
        `e${index}`,
        { type: "external", command: ["/bin/true"] },
        target(`10.0.0.${index}`),
      );
    });
    runner.apply([...external, server("a")]);
    await pass(50);
    expect(starts.filter(({ address }) => address.startsWith("10."))).toHaveLength(16);
    expect(runner.state("a")!.health).toBe("up");
  });

  test("a server that hangs delays no other", async () => {
    const { runner, pass, answers, startsOf } = createWorld();
    answers.set(a, "hang");
    runner.apply([server("a"), server("b")]);
    await pass(5000);
    const inTurn = startsOf(b).slice(1);
    expect(inTurn.slice(1).map((atMs, index) => atMs - inTurn[index]!)).toEqual([
      1000, 1000, 1000, 1000,
    ]);
    expect(runner.metrics().latenessCounts.at(-1)).toBe(runner.metrics().count);
  });
});

describe("firstPassDone", () => {
  test("is true once every server of the set has a result, and stays so", async () => {
    const { runner, pass, answers } = createWorld();
    expect(runner.firstPassDone()).toBe(false);
    answers.set(b, "hang");
    runner.apply([server("a"), server("b")]);
    await pass(100);
    expect(runner.firstPassDone()).toBe(false);
    await pass(500);
    expect(runner.firstPassDone()).toBe(true);
    runner.apply([server("a"), server("b"), server("c")]);
    expect(runner.firstPassDone()).toBe(true);
  });

  test("does not wait for a server that has left", async () => {
    const { runner, pass, answers } = createWorld();
    answers.set(b, "hang");
    runner.apply([server("a"), server("b")]);
    await pass(10);
    runner.apply([server("a")]);
    expect(runner.firstPassDone()).toBe(true);
  });
});

describe("close", () => {
  test("ends the checks in flight at once and starts no more", async () => {
    const clock = createFakeClock();
    const real = createHealthRunner({
      clock,
      onChange: () => undefined,
      concurrencyMax: 10,
      scriptUser: "nobody",
    });
    // No packet is ever answered there within the time of the test.
    real.apply([{ id: "a", spec: checkSpec({ type: "ping" }), target: target("192.0.2.1") }]);
    clock.advance(5);
    await real.close();
    await real.close();
    expect(clock.pendingCount()).toBe(0);
    real.apply([server("b")]);
    expect(real.state("b")).toBeUndefined();
  });

  test("tells of no more changes", async () => {
    const { runner, changes, answers, pass } = createWorld();
    answers.set(a, "hang");
    runner.apply([server("a")]);
    await pass(10);
    const closing = runner.close();
    await pass(1000);
    await closing;
    expect(changes).toEqual([]);
  });
});
