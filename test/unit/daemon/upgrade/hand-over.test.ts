/**
 * The old side of an upgrade over fakes: which steps are taken in which order, and that each one
 * that fails leaves the director as it was.
 */
import { describe, expect, test } from "bun:test";

import type { OldMessage } from "../../../../src/daemon/upgrade/message.ts";
import type { Successor } from "../../../../src/daemon/upgrade/successor.ts";
import { ApplianceError } from "../../../../src/errors/index.ts";
import { setUpDirector } from "../director-fixture.ts";

/** A director whose successor does what the test says. */
function setUp(failAt?: "prepared" | "taken" | "go") {
  const log: string[] = [];
  const sent: OldMessage[] = [];
  let end: (() => void) | undefined;
  const lost = (): never => {
    throw new ApplianceError("UPGRADE_FAILED", "It did not come up");
  };
  const successor: Successor = {
    pid: 4711,
    ended: new Promise((resolve) => (end = () => resolve("exit status 1"))),
    async send(message) {
      log.push(message.type);
      sent.push(message);
      if (failAt === "go" && message.type === "go") lost();
    },
    async expect(type) {
      log.push(`expect ${type}`);
      if (failAt === type) lost();
      return type === "prepared" ? { type, version: "9.9.9" } : { type };
    },
    kill: async () => void log.push("kill"),
    farewell: () => void log.push("farewell"),
  };
  const fixture = setUpDirector(undefined, { startSuccessor: () => successor, lockFd: 5 });
  fixture.engine.sharedListeners = () => [{ key: "tcp 127.0.0.1:8080", fds: [7, 8] }];
  fixture.engine.setAccepting = async (isAccepting) => void log.push(`accepts ${isAccepting}`);
  fixture.engine.retire = async (_timeoutMs, hurry) => {
    log.push("retire");
    fixture.seen.hurries.push(hurry);
  };
  return { ...fixture, log, sent, end: () => end?.() };
}

describe("upgrade()", () => {
  test("goes step by step, and gives up its names last", async () => {
    const { start, log, sent, seen, end } = setUp();
    const director = await start();
    expect(await director.source.upgrade("uid 0")).toEqual({
      ok: true,
      pid: 4711,
      version: "9.9.9",
    });
    expect(log).toEqual([
      "state",
      "expect prepared",
      "accepts false",
      "go",
      "expect taken",
      "yours",
      "farewell",
    ]);
    expect(sent[0]).toMatchObject({
      from: { version: "1.2.3", pid: process.pid },
      listeners: [{ key: "tcp 127.0.0.1:8080", count: 2 }],
    });
    expect(seen.told.at(-1)).toBe("replaced by 4711");
    await director.replaced;
    expect(await director.source.reload(false, "x")).toMatchObject({ code: "DIRECTOR_STOPPING" });
    expect(await director.source.upgrade("x")).toMatchObject({ code: "UPGRADE_RUNS" });
    await director.leave(new AbortController().signal);
    expect(log.at(-1)).toBe("retire");
    expect(seen.stopped).toContain("control");
    // Nobody is the director once the successor ends: connections are not waited for.
    expect(seen.hurries[0]!.aborted).toBe(false);
    end();
    await Promise.resolve();
    await Promise.resolve();
    expect(seen.hurries[0]!.aborted).toBe(true);
  });

  test.each([
    ["prepared", ["state", "expect prepared", "kill"]],
    ["go", ["state", "expect prepared", "accepts false", "go", "kill", "accepts true", "kill"]],
    [
      "taken",
      [
        "state",
        "expect prepared",
        "accepts false",
        "go",
        "expect taken",
        "kill",
        "accepts true",
        "kill",
      ],
    ],
  ] as const)("a failure at %s leaves the director as it was", async (failAt, steps) => {
    const { start, log, seen } = setUp(failAt);
    const director = await start();
    expect(await director.source.upgrade("uid 0")).toEqual({
      ok: false,
      code: "UPGRADE_FAILED",
      message: "It did not come up",
    });
    expect(log).toEqual([...steps]);
    expect(seen.told.at(-1)).toStartWith("ready");
    expect(director.source.snapshot().events[0]!.text).toContain("It did not come up");
    expect(await director.source.reload(false, "x")).toMatchObject({ ok: true });
  });

  test("a director that was not started by run is not replaced", async () => {
    const fixture = setUpDirector();
    fixture.engine.sharedListeners = () => [];
    const director = await fixture.start();
    expect(await director.source.upgrade("x")).toMatchObject({ code: "UPGRADE_REFUSED" });
  });

  test("an engine that cannot share its listeners is not replaced", async () => {
    const fixture = setUpDirector(undefined, { startSuccessor: () => expect.unreachable() });
    const director = await fixture.start();
    expect(await director.source.upgrade("x")).toMatchObject({ code: "UPGRADE_REFUSED" });
  });
});
