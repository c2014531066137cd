/**
 * The runner with a clock and checks of the test's own: the set, sharing, first pass, close.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { createHealthRunner } from "../../../src/check/runner.ts";
import { checkSpec } from "../../helpers/check-fixture.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { a, b, createWorld, server, target } from "../../helpers/health-world.ts";

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

describe("known", () => {
  test("another runner begins with what this one has found out", async () => {
    const old = createWorld();
    old.answers.set(b, "refused");
    old.runner.apply([server("a"), server("b"), server("c")]);
    await old.pass(10);
    const known = JSON.parse(JSON.stringify(old.runner.known()));
    const { runner, changes, pass, starts } = createWorld({ known });
    const changed = server("c", { intervalMs: 77 });
    runner.apply([server("a"), server("b"), changed, server("d")]);
    expect(runner.state("a")).toEqual(old.runner.state("a"));
    expect(runner.state("b")).toMatchObject({ health: "down", failures: 1 });
    // Asked in another way it is another question, and nothing was known of the last one.
    for (const id of ["c", "d"]) expect(runner.state(id)).toMatchObject({ health: "unchecked" });
    await pass(0);
    expect(changes).toEqual([
      "a unchecked>up the check passed",
      "b unchecked>down refused: as told",
    ]);
    // And all are asked as usual.
    await pass(20);
    expect(starts).toHaveLength(4);
  });

  test("what was not asked yet is not known", () => {
    const { runner } = createWorld();
    runner.apply([server("a"), server("b", { type: "on" })]);
    expect(runner.known()).toEqual([]);
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
