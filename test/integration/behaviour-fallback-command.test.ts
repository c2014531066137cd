/**
 * Programs and files that are told of what happens: the fallback command, hooks of a service,
 * the monitor file.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import { runCommand, waitForService } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { startMoodyServer } from "../helpers/moody-server.ts";
import { freePort } from "../helpers/port.ts";
import { requireExecutable } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

// Programs, checks and mails take their turns; a busy machine takes some time for them.
setDefaultTimeout(30_000);

const needs = requireExecutable();

/** A program that anybody may run and that writes its arguments down, one line a run. */
function createRecorder() {
  const folder = createTempFolder();
  chmodSync(folder.path, 0o755);
  const [program, record] = [join(folder.path, "record"), join(folder.path, "calls")];
  writeFileSync(record, "");
  chmodSync(record, 0o666);
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${record}\n`);
  chmodSync(program, 0o755);
  const calls = (): string[] => readFileSync(record, "utf8").split("\n").slice(0, -1);
  return {
    program,
    path: folder.path,
    record,
    calls,
    waitForCalls: (count: number) =>
      waitFor(() => calls().length >= count, { what: `${count} calls` }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Hooks of a director that is root run as a user that every system has. */
const asNobody = '[director]\nscript_user = "nobody"\n';

test.skipIf(needs.skip)(
  "the fallback command is told at down, up and stop, once each",
  async () => {
    await using one = startMoodyServer("one");
    await using two = startMoodyServer("two");
    using recorder = createRecorder();
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const servers = [one.address, two.address];
    const fallback = `fallback_command = ["${recorder.program}", "with blank"]`;
    const settings = [fallback, quickHttpCheck];
    const config = `${asNobody}${formatService({ listen, servers, settings })}`;
    await using director = await startDirector({ config });
    const stop = `with blank stop ${listen} tcp`;
    const start = `with blank start ${listen} tcp`;
    await recorder.waitForCalls(1);
    expect(recorder.calls()).toEqual([stop]);

    // One of two is not all.
    one.feel("ill");
    await waitForService(director, ({ realServers }) => realServers[0]!.health === "down");
    two.feel("ill");
    await recorder.waitForCalls(2);
    one.feel("well");
    await recorder.waitForCalls(3);
    two.feel("well");
    await waitForService(director, ({ realServers }) => realServers[1]!.health === "up");
    one.feel("ill");
    two.feel("ill");
    await recorder.waitForCalls(4);
    director.process.kill("SIGTERM");
    expect(await director.process.exited).toBe(0);
    expect(recorder.calls()).toEqual([stop, start, stop, start, stop]);
  },
);

test.skipIf(needs.skip)(
  "a reload that takes a service away tells its fallback command",
  async () => {
    await using one = startMoodyServer("one");
    one.feel("ill");
    using recorder = createRecorder();
    const listen = `127.0.0.1:${await freePort()}`;
    const other = `127.0.0.1:${await freePort()}`;
    const settings = [`fallback_command = "${recorder.program}"`, quickHttpCheck];
    const keep = formatService({ name: "keep", listen: other, servers: [one.address] });
    const gone = formatService({ name: "gone", listen, servers: [one.address], settings });
    await using director = await startDirector({ config: `${asNobody}${gone}${keep}` });
    await recorder.waitForCalls(1);
    director.configure(`${asNobody}${keep}`);
    expect((await runCommand(director, "reload")).status).toBe(0);
    await recorder.waitForCalls(2);
    expect(recorder.calls()).toEqual([`start ${listen} tcp`, `stop ${listen} tcp`]);
  },
);

/** False for a process that is gone, or dead and waiting for its parent (proc(5)). */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test.skipIf(needs.skip)("a fallback command that hangs holds nobody up", async () => {
  await using one = startMoodyServer("one");
  using recorder = createRecorder();
  const hanging = join(recorder.path, "hang");
  writeFileSync(hanging, `#!/bin/sh\necho $$ >> ${recorder.record}\nsleep 600\n`);
  chmodSync(hanging, 0o755);
  const listen = `127.0.0.1:${await freePort()}`;
  const settings = [`fallback_command = "${hanging}"`, quickHttpCheck];
  const servers = [one.address];
  const config = `${asNobody}${formatService({ listen, servers, settings })}`;
  await using director = await startDirector({ config });
  one.feel("ill");
  await waitForService(director, ({ state }) => state === "down");
  one.feel("well");
  await waitForService(director, ({ state }) => state === "up");
  // Nor for ever a stop, which takes the program along.
  director.process.kill("SIGTERM");
  await director.process.waitForOutput(/ stop /);
  director.process.kill("SIGTERM");
  expect(await director.process.exited).toBe(0);
  const pids = recorder.calls().map(Number);
  expect(pids.length).toBeGreaterThan(0);
  await waitFor(() => !pids.some(isRunning), { what: "end of the program" });
});

const line =
  /^\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] \[(\d+)\] negotiate http tcp 127\.0\.0\.1 (\d+) 1 proxy \/ {2}\[(up|down)\] (.+)$/;

test.skipIf(needs.skip)(
  "the monitor file has a line for each check, also after a rotation",
  async () => {
    await using one = startMoodyServer("one");
    using folder = createTempFolder();
    const path = join(folder.path, "monitor");
    const listen = `127.0.0.1:${await freePort()}`;
    const settings = [`monitor_file = "${path}"`, quickHttpCheck];
    const config = formatService({ listen, servers: [one.address], settings });
    await using director = await startDirector({ config });
    const lines = (): string[] => {
      return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    };
    await waitFor(() => lines().length >= 3, { what: "lines" });
    one.feel("ill");
    await waitFor(() => lines().some((text) => text.includes("[down]")), { what: "a down" });
    for (const text of lines()) expect(text).toMatch(line);
    const last = line.exec(lines().at(-1)!)!;
    expect(last.slice(1)).toEqual([
      String(director.process.pid),
      one.address.split(":")[1]!,
      "down",
      expect.stringContaining("status 503"),
    ]);
    renameSync(path, `${path}.1`);
    await waitFor(() => lines().length >= 2, { what: "lines in the new file" });
  },
);
