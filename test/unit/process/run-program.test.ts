import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runProgram, searchPath } from "../../../src/process/run-program.ts";
import type { ProgramRequest } from "../../../src/process/run-program.ts";
import { requireRoot } from "../../helpers/require-peer.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";

const root = requireRoot();

function request(command: readonly string[], more: Partial<ProgramRequest> = {}): ProgramRequest {
  return { command, timeoutMs: 10_000, outputBytesMax: 4096, user: "nobody", ...more };
}

const sh = (script: string): readonly string[] => ["/bin/sh", "-c", script];

/** True while the process exists and is no zombie. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => "");
  return stat !== "" && !/\) [ZX] /.test(stat);
}

async function waitUntilGone(pid: number): Promise<void> {
  await waitFor(async () => !(await isAlive(pid)), { what: `end of process ${pid}` });
}

describe("runProgram()", () => {
  test("tells the exit status and both outputs", async () => {
    const result = await runProgram(request(sh("echo out; echo err >&2; exit 3")));
    expect(result).toMatchObject({ outcome: "exited", status: 3, output: "out\nerr\n" });
  });

  test("gives an environment of its own", async () => {
    const result = await runProgram(
      request(["env"], { environment: { APPLIANCE_SERVICE: "web" } }),
    );
    if (result.outcome !== "exited") throw new Error(result.outcome);
    expect(result.output.trim().split("\n").toSorted()).toEqual([
      "APPLIANCE_SERVICE=web",
      `PATH=${searchPath}`,
    ]);
  });

  test("uses no shell: arguments come through as they are", async () => {
    const result = await runProgram(request(["printf", "%s", "$(id); `id` *"]));
    expect(result).toMatchObject({ output: "$(id); `id` *" });
  });

  test("tells a death by a signal", async () => {
    expect(await runProgram(request(sh("kill -TERM $$")))).toMatchObject({
      outcome: "signalled",
      signal: "SIGTERM",
    });
  });

  test("keeps the first bytes of an endless output and reads on", async () => {
    const result = await runProgram(
      request(sh("head -c 1000000 /dev/zero | tr '\\0' x"), { outputBytesMax: 100 }),
    );
    expect(result).toMatchObject({ outcome: "exited", status: 0, output: "x".repeat(100) });
  });

  test("kills the program and its children at the deadline", async () => {
    const result = await runProgram(
      request(sh("sleep 600 & echo $!; sleep 600"), { timeoutMs: 300 }),
    );
    if (result.outcome !== "timeout") throw new Error(result.outcome);
    await waitUntilGone(Number(result.output));
  });

  test("ends children that outlive the program", async () => {
    const result = await runProgram(request(sh("sleep 600 & echo $!")));
    if (result.outcome !== "exited") throw new Error(result.outcome);
    await waitUntilGone(Number(result.output));
  });

  test("leaves what it has started, and lets it write, if that is what it is for", async () => {
    using folder = createTempFolder();
    const file = join(folder.path, "pid");
    const child = `(trap '' HUP; while sleep 0.05; do echo more || exit; done) & echo $! >${file}`;
    const user = process.getuid?.() === 0 ? "root" : "nobody";
    const result = await runProgram(
      request(sh(`${child}; echo started`), { user, leavesProcesses: true }),
    );
    expect(result).toMatchObject({ outcome: "exited", status: 0 });
    const pid = Number(readFileSync(file, "utf8"));
    try {
      // Long enough for a few words into its pipe.
      await Bun.sleep(300);
      expect(await isAlive(pid)).toBe(true);
    } finally {
      process.kill(pid, "SIGKILL");
    }
    await waitUntilGone(pid);
  });

  test("is killed with its children when its signal aborts", async () => {
    const abort = new AbortController();
    using folder = createTempFolder();
    await Bun.$`chmod 777 ${folder.path}`;
    const path = join(folder.path, "pid");
    const running = runProgram(
      request(sh(`sleep 600 & echo $! >${path}.new; mv ${path}.new ${path}; sleep 600`), {
        signal: abort.signal,
      }),
    );
    await waitFor(() => Bun.file(path).exists(), { what: "the program" });
    abort.abort();
    expect(await running).toMatchObject({ outcome: "timeout" });
    await waitUntilGone(Number(await Bun.file(path).text()));
  });

  test("is killed at once when its signal has aborted before", async () => {
    const signal = AbortSignal.abort();
    const result = await runProgram(request(["/bin/sleep", "600"], { signal }));
    expect(result).toMatchObject({ outcome: "timeout" });
  });

  test("does not wait for output of a child that left the group", async () => {
    const result = await runProgram(request(sh("setsid sleep 3 & sleep 0.2; echo started")));
    expect(result).toMatchObject({ outcome: "exited", status: 0, output: "started\n" });
    expect(result.tookMs).toBeLessThan(2500);
  });

  test.skipIf(root.skip)("runs as the user and without root's groups", async () => {
    const result = await runProgram(request(sh("id -un; id -G")));
    expect(result).toMatchObject({ outcome: "exited", output: "nobody\n65534\n" });
  });

  test.skipIf(root.skip)("leaves it no capability and no descriptor of the director", async () => {
    using folder = createTempFolder();
    const secret = openSync(join(folder.path, "secret"), "w");
    // The shell's own descriptors are the three it is given; /proc has one more, of ls.
    const script = "grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status; ls /proc/self/fd";
    const result = await runProgram(request(sh(script)));
    closeSync(secret);
    const none = "0000000000000000";
    const lines = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map((name) => `${name}:\t${none}`);
    expect(result).toMatchObject({ output: [...lines, "0", "1", "2", "3", ""].join("\n") });
  });

  test.skipIf(root.skip)("refuses when the user does not exist", async () => {
    expect(await runProgram(request(["/bin/true"], { user: "no-such-user" }))).toMatchObject({
      outcome: "refused",
      message: "user no-such-user does not exist; create it or set script_user",
    });
  });

  test.each([
    ["a missing file", ["/nonexistent/program"], "ENOENT"],
    ["an unknown name", ["no-such-program-here"], `no-such-program-here is not in ${searchPath}`],
    ["a relative path", ["./program"], `./program is not in ${searchPath}`],
    ["no program at all", [], "is not in"],
    ["a folder", ["/etc"], "/etc is not a file"],
  ])("refuses %s", async (_name, command, expected) => {
    const result = await runProgram(request(command));
    if (result.outcome !== "refused") throw new Error(result.outcome);
    expect(result.message).toContain(expected);
  });

  test("refuses a program that everybody can write", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "check");
    writeFileSync(path, "#!/bin/sh\n");
    await Bun.$`chmod 777 ${path}`;
    expect(await runProgram(request([path]))).toMatchObject({ outcome: "refused" });
  });

  test("refuses a file that is no program", async () => {
    using folder = createTempFolder();
    await Bun.$`chmod 755 ${folder.path}`;
    const path = join(folder.path, "check");
    writeFileSync(path, "\u0000\u0001", { mode: 0o755 });
    expect(await runProgram(request([path]))).toMatchObject({ outcome: "refused" });
  });
});
