/**
 * The check external-perl with the real perl: scripts as ldirectord runs them.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createCheckFactory } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import { checkSpec, checkTarget } from "../helpers/check-fixture.ts";
import { requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

/** A script in a folder that others cannot write; not executable, as ldirectord asks for none. */
function writeScript(text: string, mode = 0o644) {
  const folder = mkdtempSync("/tmp/appliance-perl-");
  chmodSync(folder, 0o755);
  const path = join(folder, "check.pl");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return { folder, path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

async function ask(path: string, timeoutMs = 8000): Promise<string> {
  const factory = createCheckFactory(systemClock, "nobody");
  try {
    const spec = checkSpec({ type: "external-perl", command: [path] });
    const check = factory.create(spec, "tcp");
    expect(check.name).toBe("external-perl");
    const target = checkTarget(8080, { address: "192.0.2.7" });
    const result = await check.run(target, timeoutMs);
    return result.up ? "up" : `${result.reason}: ${result.detail}`;
  } finally {
    factory.close();
  }
}

/** True if a process runs; one that has ended and waits for its parent does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe.skipIf(requirePeer("perl").skip)("a script of perl", () => {
  test.each([
    ["exit 0;", "up"],
    ["exit 3;", "exit-status: exit 3"],
    ["# its end is good\n1;", "up"],
    ["0;", "up"],
    // ldirectord makes a function of it.
    ["return 1 if @ARGV == 4; exit 4;", "up"],
    ["print qq(no database\\n); exit 1;", "exit-status: exit 1: no database"],
    ["die qq(no luck\\n);", "exit-status: exit 255: no luck"],
    ["this is { no perl", "exit-status: exit 255: "],
    ["use strict; use warnings; my ($vip) = @ARGV; exit($vip eq '192.0.2.100' ? 0 : 1);", "up"],
    ["kill 'TERM', $$; sleep 5;", "exit-status: SIGTERM"],
  ])("%j is %s", async (text, expected) => {
    using script = writeScript(`#!/usr/bin/perl\n${text}\n`);
    expect(await ask(script.path)).toStartWith(expected);
  });

  test("gets virtual and real address and port, its own name and no environment", async () => {
    using script = writeScript('print "@ARGV $0 ", join(",", sort keys %ENV), "\\n"; exit 1;');
    const expected = `192.0.2.100 80 192.0.2.7 8080 ${script.path} PATH`;
    expect(await ask(script.path)).toBe(`exit-status: exit 1: ${expected}`);
  });

  test("runs as the user of scripts", async () => {
    using script = writeScript("print scalar(getpwuid($<)), qq(\\n); exit 1;");
    const user = process.getuid!() === 0 ? "nobody" : Bun.env["USER"];
    expect(await ask(script.path)).toBe(`exit-status: exit 1: ${user}`);
  });

  test("is killed with its children at the deadline", async () => {
    using script = writeScript("");
    chmodSync(script.folder, 0o1777);
    const pidFile = join(script.folder, "pids");
    const parent = `open(my $file, '>', '${pidFile}'); print $file "$$ $pid"; close $file;`;
    writeFileSync(script.path, `my $pid = fork; if ($pid) { ${parent} } sleep 60;`);
    expect(await ask(script.path, 600)).toStartWith("timeout: ");
    const pids = readFileSync(pidFile, "utf8").split(" ").map(Number);
    expect(pids).toHaveLength(2);
    await waitFor(() => !pids.some(isAlive), { what: "the script and its child to be gone" });
  });

  test("may print without end", async () => {
    using script = writeScript('print "y\\n" x 1000 for 1 .. 5000; exit 1;');
    expect(await ask(script.path)).toBe("exit-status: exit 1: y");
  });

  test("that others can write, or that is not there, is refused", async () => {
    using script = writeScript("exit 0;", 0o666);
    expect(await ask(script.path)).toBe(
      `not-permitted: ${script.path} is not safe to run: everybody can write it`,
    );
    expect(await ask(`${script.folder}/none.pl`)).toStartWith("not-permitted: ENOENT");
    expect(await ask("none.pl")).toBe("not-permitted: none.pl is no absolute path");
  });

  test("behind a link is the file that was looked at", async () => {
    using script = writeScript("print $0, qq(\\n); exit 1;");
    const link = join(script.folder, "link.pl");
    symlinkSync(script.path, link);
    expect(await ask(link)).toBe(`exit-status: exit 1: ${script.path}`);
  });

  test("that the user of scripts cannot read is down", async () => {
    using script = writeScript("exit 0;", 0o600);
    const isRoot = process.getuid!() === 0;
    expect(await ask(script.path)).toBe(
      isRoot ? `exit-status: exit 2: cannot read ${script.path}` : "up",
    );
  });
});
