import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

import { appendText, createMonitorFiles } from "../../../src/daemon/monitor-file.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { runProcess } from "../../helpers/process.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { settle } from "./director-fixture.ts";
import { createFakeLogger } from "./fake-logger.ts";
import { realServer, virtualService } from "./fixture.ts";

const one = "web\n192.0.2.11:80";
const two = "web\nweb2:80";
const up = { up: true, tookMs: 1 } as const;
const down = { up: false, tookMs: 1, reason: "refused", detail: "refused by web2" } as const;
const service = virtualService({
  monitorFile: "/m",
  realServers: [realServer("192.0.2.11", 80), realServer("web2", 80)],
});

function setUp() {
  const clock = createFakeClock();
  const { logger, lines } = createFakeLogger();
  const world = { written: [] as string[], fault: undefined as Error | undefined };
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const held = { gate: Promise.resolve(), hold: () => void (held.gate = gate), open };
  const files = createMonitorFiles({
    clock,
    logger,
    append: async (path, text) => {
      await held.gate;
      if (world.fault !== undefined) throw world.fault;
      world.written.push(`${path}: ${text.replaceAll(/\[[^\]]* \d{4}\]/g, "[time]")}`);
    },
    addressOf: (host) => (host === "192.0.2.11" ? host : undefined),
    pid: 7,
  });
  const pass = async (): Promise<void> => {
    clock.advance(200);
    await settle();
  };
  return { clock, world, held, files, pass, lines };
}

test("lines of a moment are written together, of services with a file only", async () => {
  const { files, world, pass } = setUp();
  files.apply([service, virtualService({ name: "other" })]);
  files.note(one, up);
  files.note("other\n192.0.2.11:80", up);
  files.note(two, down);
  files.noteDown(one, "Server in maintenance");
  await pass();
  expect(world.written).toEqual([
    "/m: [time] [7] connect tcp 192.0.2.11 80 1 proxy /  [up] -\n" +
      "[time] [7] connect tcp web2 80 1 proxy /  [down] refused by web2\n" +
      "[time] [7] connect tcp 192.0.2.11 80 1 proxy /  [down] Server in maintenance\n",
  ]);
  files.apply([]);
  files.note(one, up);
  await pass();
  expect(world.written).toHaveLength(1);
});

test("a file that cannot be written is told once, until it can be", async () => {
  const { files, world, pass, lines } = setUp();
  files.apply([service]);
  world.fault = new Error("ENOSPC");
  for (let count = 0; count < 2; count++) {
    files.note(one, up);
    await pass();
  }
  expect(lines()).toEqual(["warning monitor-file path=/m reason=ENOSPC"]);
  world.fault = undefined;
  files.note(one, up);
  await pass();
  expect(world.written).toHaveLength(1);
});

test("a slow file costs lines, not memory", async () => {
  const { files, held, pass, lines, world } = setUp();
  files.apply([service]);
  held.hold();
  files.note(one, up);
  await pass();
  for (let count = 0; count < 10_005; count++) files.note(one, up);
  held.open();
  await pass();
  expect(world.written).toHaveLength(2);
  expect(world.written[1]!.split("\n")).toHaveLength(10_001);
  expect(lines()).toEqual(["warning monitor-file path=/m lost=5"]);
});

test("close() writes what waits, and nothing after it", async () => {
  const { files, world, clock } = setUp();
  files.apply([service]);
  files.note(one, up);
  await files.close();
  expect(world.written).toHaveLength(1);
  files.note(one, up);
  expect(clock.pendingCount()).toBe(0);
});

test("appendText() makes the file, appends, and finds a new one after a rotation", async () => {
  using folder = createTempFolder();
  const path = join(folder.path, "m");
  await appendText(path, "one\n");
  await appendText(path, "two\n");
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  renameSync(path, `${path}.1`);
  await appendText(path, "three\n");
  expect(readFileSync(path, "utf8")).toBe("three\n");
});

test("appendText() waits for nobody: a pipe without a reader is an error", async () => {
  using folder = createTempFolder();
  const path = join(folder.path, "pipe");
  expect((await runProcess(["mkfifo", path])).status).toBe(0);
  await expect(appendText(path, "x")).rejects.toThrow("ENXIO");
  mkdirSync(join(folder.path, "d"));
  await expect(appendText(join(folder.path, "d"), "x")).rejects.toThrow("EISDIR");
});
