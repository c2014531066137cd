/**
 * External checks with real programs.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createExternalCheck } from "../../../src/check/external.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { checkTarget } from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

/** An account every Debian has, as which root runs the programs here. */
const scriptUser = "nobody";

/** A folder that others cannot write, as programs of checks must have one. */
function createFolder() {
  // /tmp has the sticky bit, which is safe; what is made in it belongs to this user alone.
  const path = mkdtempSync("/tmp/appliance-check-");
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function writeProgram(folder: string, text: string, mode = 0o755): string {
  const path = join(folder, "check");
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

function run(command: readonly string[], timeoutMs = 5000, signal = new AbortController().signal) {
  const type = "external";
  const check = createExternalCheck({ clock: systemClock, type, command, scriptUser, signal });
  const target = checkTarget(8080, { address: "192.0.2.7" });
  return check.run(target, timeoutMs);
}

async function outcome(command: readonly string[], timeoutMs?: number): Promise<string> {
  const result = await run(command, timeoutMs);
  return result.up ? "up" : `${result.reason}: ${result.detail}`;
}

/** True if a process runs; one that has ended and waits for its parent does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("an external check", () => {
  test.each([
    ["exit 0", "up"],
    ["exit 3", "exit-status: exit 3"],
    ["echo no database; echo second line; exit 1", "exit-status: exit 1: no database"],
    ["kill -TERM $$", "exit-status: SIGTERM"],
  ])("that runs `%s` is %s", async (text, expected) => {
    using folder = createFolder();
    expect(await outcome([writeProgram(folder.path, text)])).toBe(expected);
  });

  test("gets its own arguments, then virtual and real address and port, and an empty environment", async () => {
    using folder = createFolder();
    const program = writeProgram(folder.path, 'echo "$* HOME=$HOME SHELL=$SHELL"; exit 1');
    const expected = "exit-status: exit 1: -x a b 192.0.2.100 80 192.0.2.7 8080 HOME= SHELL=";
    expect(await outcome([program, "-x", "a b"])).toBe(expected);
  });

  test("is killed with its children at the deadline", async () => {
    using folder = createFolder();
    chmodSync(folder.path, 0o777 | 0o1000);
    const pidFile = join(folder.path, "pids");
    const program = writeProgram(folder.path, `sleep 60 & echo $! $$ > ${pidFile}; wait`);
    const startedAtMs = performance.now();
    const result = await run([program], 600);
    expect(result).toMatchObject({ up: false, reason: "timeout" });
    expect(performance.now() - startedAtMs).toBeLessThan(3000);
    expect(existsSync(pidFile)).toBe(true);
    const pids = (await Bun.file(pidFile).text()).trim().split(" ").map(Number);
    expect(pids).toHaveLength(2);
    await waitFor(() => !pids.some(isAlive), { what: "the program and its child to be gone" });
  });

  test("is killed when the runner closes", async () => {
    using folder = createFolder();
    const program = writeProgram(folder.path, "exec sleep 60");
    const abort = new AbortController();
    const startedAtMs = performance.now();
    const running = run([program], 30_000, abort.signal);
    abort.abort();
    expect(await running).toMatchObject({ up: false, reason: "timeout" });
    expect(performance.now() - startedAtMs).toBeLessThan(5000);
  });

  test("may print without end", async () => {
    using folder = createFolder();
    const program = writeProgram(folder.path, "yes | head -c 10000000; exit 1");
    expect(await outcome([program])).toBe("exit-status: exit 1: y");
  });

  test("that others can write is refused", async () => {
    using folder = createFolder();
    const result = await run([writeProgram(folder.path, "exit 0", 0o777)]);
    expect(result).toMatchObject({ up: false, reason: "not-permitted" });
  });

  test.each([["/nonexistent/check"], ["no-such-program-anywhere"], ["relative/path"]])(
    "that is not there (%s) is refused",
    async (command) => {
      expect(await run([command])).toMatchObject({ up: false, reason: "not-permitted" });
    },
  );
});
