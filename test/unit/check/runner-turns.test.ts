/**
 * The runner with a clock and checks of the test's own: failures, suspicion, bounds.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { a, b, createWorld, server, target } from "../../helpers/health-world.ts";

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
