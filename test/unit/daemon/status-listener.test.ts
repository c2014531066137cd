import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { createStatusListener, readStatusSettings } from "../../../src/daemon/status-listener.ts";
import type { StatusSettings } from "../../../src/daemon/status-listener.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

function at(port: number, readTokens: readonly string[] = []): StatusSettings {
  return { listen: { address: "127.0.0.1", port }, readTokens, writeTokens: [] };
}

const nowhere: StatusSettings = { listen: undefined, readTokens: [], writeTokens: [] };

/** A listener over servers that only tell what happens to them. */
function setUp() {
  const clock = createFakeClock();
  const log: string[] = [];
  const world = { failure: undefined as Error | undefined };
  const listener = createStatusListener({
    clock,
    start: async ({ listen, readTokens }) => {
      if (world.failure !== undefined) throw world.failure;
      const name = `${listen?.port} ${readTokens.join(",")}`.trim();
      log.push(`start ${name}`);
      return { endpoint: listen, stop: async () => void log.push(`stop ${name}`) };
    },
    onProblem: (message) => void log.push(`problem ${message}`),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { clock, log, world, listener, settle };
}

describe("createStatusListener()", () => {
  test("the same settings change nothing", async () => {
    const { listener, log, clock } = setUp();
    await listener.apply(at(1));
    await listener.apply(at(1));
    expect(log).toEqual(["start 1"]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("another address opens before the old one goes", async () => {
    const { listener, log, clock, settle } = setUp();
    await listener.apply(at(1));
    await listener.apply(at(2));
    expect(listener.endpoint()?.port).toBe(2);
    clock.advance(500);
    await settle();
    expect(log).toEqual(["start 1", "start 2", "stop 1"]);
  });

  test("no address any more: the listener goes", async () => {
    const { listener, log, clock, settle } = setUp();
    await listener.apply(at(1));
    await listener.apply(nowhere);
    expect(listener.endpoint()).toBeUndefined();
    clock.advance(500);
    await settle();
    expect(log).toEqual(["start 1", "stop 1"]);
  });

  test("other tokens at the same address: the old one goes first, after a moment", async () => {
    const { listener, log, clock, settle } = setUp();
    await listener.apply(at(1, ["a"]));
    await listener.apply(at(1, ["b"]));
    expect(log).toEqual(["start 1 a"]);
    clock.advance(500);
    await settle();
    expect(log).toEqual(["start 1 a", "stop 1 a", "start 1 b"]);
  });

  test("an address that cannot be opened leaves what was", async () => {
    const { listener, log, world } = setUp();
    await listener.apply(at(1));
    world.failure = new Error("taken");
    await expect(listener.apply(at(2))).rejects.toThrow("taken");
    expect(listener.endpoint()?.port).toBe(1);
    world.failure = undefined;
    await listener.apply(at(2));
    expect(log).toEqual(["start 1", "start 2"]);
    await listener.close();
  });

  test("tokens that cannot be taken are told", async () => {
    const { listener, log, world, clock, settle } = setUp();
    await listener.apply(at(1, ["a"]));
    await listener.apply(at(1, ["b"]));
    world.failure = new Error("taken");
    clock.advance(500);
    await settle();
    expect(log).toEqual(["start 1 a", "stop 1 a", "problem taken"]);
  });

  test("close() stops all, once", async () => {
    const { listener, log, clock } = setUp();
    await listener.apply(at(1));
    await listener.apply(at(2));
    await listener.apply(at(2, ["b"]));
    await listener.close();
    clock.advance(5000);
    expect(log).toEqual(["start 1", "start 2", "stop 1", "stop 2"]);
    expect(clock.pendingCount()).toBe(0);
  });
});

describe("readStatusSettings()", () => {
  test("reads both token files", () => {
    using folder = createTempFolder();
    const readTokenFile = join(folder.path, "read");
    const writeTokenFile = join(folder.path, "write");
    writeFileSync(readTokenFile, `${"r".repeat(32)}\n`, { mode: 0o600 });
    writeFileSync(writeTokenFile, `id ${"w".repeat(40)}\n`, { mode: 0o600 });
    expect(readStatusSettings({ listen: undefined, readTokenFile, writeTokenFile })).toEqual({
      listen: undefined,
      readTokens: ["r".repeat(32)],
      writeTokens: ["w".repeat(40)],
    });
  });

  test("without files there are no tokens", () => {
    const config = { listen: undefined, readTokenFile: undefined, writeTokenFile: undefined };
    expect(readStatusSettings(config)).toEqual(nowhere);
  });
});
