import { describe, expect, test } from "bun:test";

/** In a process of its own: the scheduling class would stay with the thread of the tests. */
function inProcess(body: string): string {
  const script = `
    import {
      preferThread, lockMemory, lockProgram, nameThread, ShortSleep,
    } from "./ffi/realtime.ts";
    import { readFileSync } from "node:fs";
    ${body}`;
  const cwd = new URL("../../..", import.meta.url).pathname;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script], { cwd });
  expect(stderr.toString()).toBe("");
  return stdout.toString().trim();
}

describe("a thread that must not be late", () => {
  test("gets what preferThread() says it got", () => {
    const text = inProcess(`
      const got = preferThread(3);
      const stat = readFileSync("/proc/thread-self/stat", "utf8").split(") ")[1].split(" ");
      // Fields 18 priority, 19 nice, 40 rt_priority, 41 policy of proc(5), counted from 3.
      console.log(JSON.stringify({ got, nice: +stat[16], rt: +stat[37], policy: +stat[38] }));`);
    const { got, nice, rt, policy } = JSON.parse(text);
    if (got.kind === "fifo") expect([rt, policy]).toEqual([3, 1]);
    else if (got.kind === "nice") expect([nice, policy]).toEqual([-20, 0]);
    else expect([got.kind, policy]).toEqual(["normal", 0]);
  });

  test("lockMemory() locks, or says why not", () => {
    const text = inProcess(`
      const reason = lockMemory();
      const locked = /VmLck:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
      console.log(JSON.stringify({ reason: reason ?? "", locked: +locked }));`);
    const { reason, locked } = JSON.parse(text);
    if (reason === "") expect(locked).toBeGreaterThan(1000);
    else expect(["EPERM", "ENOMEM"]).toContain(reason);
  });

  test("lockProgram() locks code and constants, and no heap", () => {
    const text = inProcess(`
      const reason = lockProgram(readFileSync("/proc/self/maps", "latin1"));
      const locked = /VmLck:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
      console.log(JSON.stringify({ reason: reason ?? "", lockedKib: +locked }));`);
    const { reason, lockedKib } = JSON.parse(text);
    // The runtime has some 100 MB of them; its heap reserves gigabytes.
    if (reason === "") {
      expect(lockedKib).toBeGreaterThan(50_000);
      expect(lockedKib).toBeLessThan(500_000);
    } else expect(["EPERM", "ENOMEM"]).toContain(reason);
  });

  test("nameThread() names it, cut to 15 bytes", () => {
    const text = inProcess(`
      nameThread("appliance-guard-of-the-lease");
      console.log(readFileSync("/proc/thread-self/comm", "utf8"));`);
    expect(text).toBe("appliance-guard");
  });

  test("ShortSleep sleeps as long as it says, and takes the slack off", () => {
    const text = inProcess(`
      const sleep = new ShortSleep(20_000_000);
      const startNs = Bun.nanoseconds();
      sleep.take();
      const tookNs = Bun.nanoseconds() - startNs;
      const slack = readFileSync("/proc/self/timerslack_ns", "utf8");
      console.log(JSON.stringify({ tookNs, slack: +slack }));`);
    const { tookNs, slack } = JSON.parse(text);
    expect(tookNs).toBeGreaterThanOrEqual(20_000_000);
    expect(slack).toBe(1);
  });
});
