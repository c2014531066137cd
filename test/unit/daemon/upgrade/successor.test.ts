import { describe, expect, test } from "bun:test";

import { systemClock } from "../../../../src/clock/index.ts";
import { meetPredecessor } from "../../../../src/daemon/upgrade/predecessor.ts";
import { startSuccessor } from "../../../../src/daemon/upgrade/successor.ts";
import type { Successor } from "../../../../src/daemon/upgrade/successor.ts";

const predecessor = new URL("../../../../src/daemon/upgrade/predecessor.ts", import.meta.url);
const clock = new URL("../../../../src/clock/index.ts", import.meta.url);
const longMs = 10_000;

/** A new process that runs `text` once it has met the old one as `old`. */
function start(text: string): Successor {
  const script = `
    const { meetPredecessor } = await import(${JSON.stringify(predecessor.pathname)});
    const { systemClock } = await import(${JSON.stringify(clock.pathname)});
    const old = await meetPredecessor(systemClock, process.env);
    ${text}`;
  return startSuccessor({
    clock: systemClock,
    command: [process.execPath, "-e", script],
    environment: { PATH: process.env["PATH"], WATCHDOG_PID: "1" },
  });
}

const state = {
  type: "state",
  version: 1,
  from: { version: "1.2.3", pid: 7 },
  listeners: [
    { key: "one", count: 1 },
    { key: "two", count: 1 },
  ],
  overrides: '{ "version": 1, "overrides": [] }',
  health: [],
} as const;

/** A descriptor that nobody misses. */
const nothing = 0;

describe("startSuccessor()", () => {
  test("both sides agree on every step", async () => {
    const successor = start(`
      const listeners = old.listeners.map(({ key, fds }) => key + " " + fds.length).join();
      const isClean = process.env.WATCHDOG_PID === undefined;
      const go = await old.prepared(listeners + " " + isClean);
      if (go.clients.length !== 1) process.exit(1);
      await old.taken();
      process.exit(old.state.from.pid);`);
    await successor.send(state, [nothing, nothing, nothing]);
    expect(await successor.expect("prepared", longMs)).toEqual({
      type: "prepared",
      version: "one 1,two 1 true",
    });
    const client = { service: "web", client: "192.0.2.1", server: "x", remainingMs: 1 };
    await successor.send({ type: "go", overrides: state.overrides, clients: [client] });
    await successor.expect("taken", longMs);
    await successor.send({ type: "yours" });
    successor.farewell();
    expect(await successor.ended).toBe("exit status 7");
  });

  test.each([
    ["says why it cannot", `await old.fail(new Error("No luck"))`, "UPGRADE_FAILED", "No luck"],
    ["ends", "process.exit(3)", "UPGRADE_FAILED", "exit status 3"],
    ["dies", "process.kill(process.pid, 9)", "UPGRADE_FAILED", "signal SIGKILL"],
    ["is out of step", "await old.taken()", "UPGRADE_FAILED", "out of step"],
    ["hangs", "await new Promise(() => setTimeout(() => 0, 1e6))", "UPGRADE_TIMEOUT", "1 s"],
  ])("a successor that %s is an error", async (what, text, code, words) => {
    const successor = start(text);
    await successor.send(state, [nothing, nothing, nothing]);
    const expected = successor.expect("prepared", what === "hangs" ? 1000 : longMs);
    await expect(expected).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    await successor.kill();
    await successor.ended;
  });

  test("what cannot be started is an error", () => {
    const options = { clock: systemClock, command: ["/nonexistent"], environment: {} };
    expect(() => startSuccessor(options)).toThrow(
      expect.objectContaining({ code: "UPGRADE_FAILED" }),
    );
  });
});

test("meetPredecessor() meets nobody without the variable", async () => {
  expect(await meetPredecessor(systemClock, {})).toBeUndefined();
});
