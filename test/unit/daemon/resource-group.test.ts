/**
 * Resources of one virtual router, over scripts that do what the test says.
 */
import { describe, expect, test } from "bun:test";

import { ResourceGroup, saysRunning } from "../../../src/daemon/resource-group.ts";
import type { ProgramRequest, ProgramResult } from "../../../src/process/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { settle } from "./director-fixture.ts";

const exited = (status: number, output = ""): ProgramResult => {
  return { outcome: "exited", status, output, tookMs: 1 };
};

/** Scripts by their path: what runs, what fails, and what they were asked. */
function setUp(commands: readonly (readonly string[])[]) {
  const clock = createFakeClock();
  const calls: string[] = [];
  const requests: ProgramRequest[] = [];
  const told: string[] = [];
  const running = new Set<string>();
  const broken = new Map<string, ProgramResult>();
  const held = new Map<string, PromiseWithResolvers<void>>();
  const run = async (request: ProgramRequest): Promise<ProgramResult> => {
    const [path = "", ...rest] = request.command;
    const call = [path, ...rest].join(" ");
    const verb = rest.at(-1)!;
    calls.push(call);
    requests.push(request);
    await held.get(call)?.promise;
    if (request.signal?.aborted === true) return { outcome: "timeout", output: "", tookMs: 1 };
    const fault = broken.get(call);
    if (fault !== undefined) return fault;
    if (verb === "status") return exited(0, running.has(path) ? "is running\n" : "is stopped\n");
    if (verb === "start") running.add(path);
    else running.delete(path);
    return exited(0);
  };
  const group = new ResourceGroup({
    router: "web",
    clock,
    run,
    tell: ({ level, text }) => void told.push(`${level} ${text}`),
  });
  group.apply(commands);
  const hold = (call: string) => {
    const gate = Promise.withResolvers<void>();
    held.set(call, gate);
    return gate;
  };
  return { group, calls, requests, told, running, broken, clock, hold };
}

const two = [["/a"], ["/b", "x"]] as const;

describe("saysRunning()", () => {
  test.each([
    ["apache is running", true],
    ["Running", true],
    ["OK", true],
    ["status: OK, 3 clients", true],
    ["Active: active (running)", true],
    ["apache is not running", false],
    ["Not running", false],
    ["apache is NOT yet running", false],
    ["nothing else but running", true],
    ["stopped", false],
    ["ok", false],
    ["", false],
  ])("%j is %p", (output, expected) => {
    expect(saysRunning(output)).toBe(expected);
  });
});

describe("ResourceGroup", () => {
  test("stops at first what is left over, the last one first, and starts nothing", async () => {
    const { group, calls, told, running } = setUp([["/a"], ["/b"], ["/c"]]);
    running.add("/a").add("/c");
    await group.settled();
    expect(calls).toEqual(["/c status", "/c stop", "/b status", "/a status", "/a stop"]);
    expect(told).toEqual([
      "warning web: /c runs without the addresses",
      "info web: /c was stopped",
      "warning web: /a runs without the addresses",
      "info web: /a was stopped",
    ]);
    expect(group.views().map(({ state }) => state)).toEqual(["stopped", "stopped", "stopped"]);
  });

  test("starts in order what does not run, with arguments, and stops in the opposite order", async () => {
    const { group, calls, running } = setUp(two);
    await group.settled();
    calls.length = 0;
    running.add("/a");
    group.want(true);
    await group.settled();
    expect(calls).toEqual(["/a status", "/b x status", "/b x start"]);
    expect(group.views().map(({ state }) => state)).toEqual(["running", "running"]);
    calls.length = 0;
    group.want(false);
    await group.settled();
    expect(calls).toEqual(["/b x stop", "/a stop"]);
  });

  test("gives each call its bounds, as root, and lets only start leave something behind", async () => {
    const { group, requests } = setUp([["/a"]]);
    await group.settled();
    group.want(true);
    await group.settled();
    group.want(false);
    await group.settled();
    expect(
      requests.map(({ command, timeoutMs, user, leavesProcesses }) => {
        return [command[1], timeoutMs, user, leavesProcesses];
      }),
    ).toEqual([
      ["status", 10_000, "root", false],
      ["status", 10_000, "root", false],
      ["start", 60_000, "root", true],
      ["stop", 60_000, "root", false],
    ]);
    expect(requests[0]).toMatchObject({
      environment: { VRRP_INSTANCE: "web" },
      outputBytesMax: 4096,
    });
  });

  test("what does not start is told, what stands behind it is not started, what stands before stays", async () => {
    const { group, calls, told, broken } = setUp([["/a"], ["/b"], ["/c"]]);
    broken.set("/b start", exited(1, "first\nno such\u0007 device\n\n"));
    await group.settled();
    calls.length = 0;
    group.want(true);
    await group.settled();
    expect(calls).toEqual(["/a status", "/a start", "/b status", "/b start"]);
    expect(told.at(-1)).toBe("error web: /b did not start: exit status 1, no such? device");
    expect(group.views()).toEqual([
      { name: "/a", state: "running", reason: "", failures: 0 },
      {
        name: "/b",
        state: "failed",
        reason: "did not start: exit status 1, no such? device",
        failures: 1,
      },
      {
        name: "/c",
        state: "stopped",
        reason: "/b, which stands before it, did not start",
        failures: 0,
      },
    ]);
    calls.length = 0;
    group.want(false);
    await group.settled();
    expect(calls).toEqual(["/b stop", "/a stop"]);
    expect(group.views().map(({ reason }) => reason)).toEqual(["", "", ""]);
  });

  test.each<[ProgramResult, string]>([
    [{ outcome: "timeout", output: "", tookMs: 1 }, "it was killed after 60 s"],
    [{ outcome: "signalled", signal: "SIGSEGV", output: "", tookMs: 1 }, "it died of SIGSEGV"],
    [{ outcome: "refused", message: "everybody can write it", tookMs: 1 }, "everybody can write"],
  ])("a start that ends as %j is told", async (result, expected) => {
    const { group, broken, told } = setUp([["/a"]]);
    broken.set("/a start", result);
    group.want(true);
    await group.settled();
    expect(told.at(-1)).toStartWith(`error web: /a did not start: ${expected}`);
  });

  test("stops three times, a second apart, then gives up and goes on with the next", async () => {
    const { group, calls, broken, told, clock } = setUp([["/a"], ["/b"]]);
    group.want(true);
    await group.settled();
    calls.length = 0;
    broken.set("/b stop", exited(4));
    group.want(false);
    await settle();
    expect(calls).toEqual(["/b stop", "/b status"]);
    for (let attempt = 2; attempt <= 3; attempt++) {
      clock.advance(1000);
      await settle();
    }
    await group.settled();
    const attempt = ["/b stop", "/b status"];
    expect(calls).toEqual([...attempt, ...attempt, ...attempt, "/a stop"]);
    expect(told).toContain("error web: /b did not stop: exit status 4");
    expect(group.views().map(({ state, failures }) => [state, failures])).toEqual([
      ["stopped", 0],
      ["failed", 1],
    ]);
  });

  test("a stop that fails where nothing runs is a stop", async () => {
    const { group, calls, broken, told, running } = setUp([["/a"]]);
    group.want(true);
    await group.settled();
    calls.length = 0;
    broken.set("/a stop", exited(1, "already stopped"));
    running.delete("/a");
    group.want(false);
    await group.settled();
    expect(calls).toEqual(["/a stop", "/a status"]);
    expect(told.at(-1)).toBe(
      "warning web: /a does not run, but its stop says: exit status 1, already stopped",
    );
    expect(group.views()).toEqual([{ name: "/a", state: "stopped", reason: "", failures: 0 }]);
  });

  test("a change of mind takes effect behind the script that is at work", async () => {
    const { group, calls, hold } = setUp([["/a"], ["/b"]]);
    await group.settled();
    calls.length = 0;
    const gate = hold("/a start");
    group.want(true);
    await settle();
    group.want(false);
    gate.resolve();
    await group.settled();
    expect(calls).toEqual(["/a status", "/a start", "/a stop"]);
  });

  test("apply() stops those that go, starts those that come and leaves the others alone", async () => {
    const { group, calls } = setUp([["/a"], ["/b"]]);
    group.want(true);
    await group.settled();
    calls.length = 0;
    group.apply([["/a"], ["/c"]]);
    group.apply([["/a"], ["/c"]]);
    await group.settled();
    expect(calls).toEqual(["/b stop", "/a status", "/c status", "/c start"]);
  });

  test("one program twice has two names", async () => {
    const { group } = setUp([
      ["/a", "1"],
      ["/a", "2"],
    ]);
    await group.settled();
    expect(group.views().map(({ name }) => name)).toEqual(["/a", "/a 2"]);
  });

  test("abandon() ends what is at work, and nothing is run any more", async () => {
    const { group, calls, hold, clock } = setUp([["/a"], ["/b"]]);
    await group.settled();
    const gate = hold("/a start");
    group.want(true);
    await settle();
    calls.length = 0;
    group.abandon();
    gate.resolve();
    await group.settled();
    group.want(false);
    await group.settled();
    expect([calls, clock.pendingCount()]).toEqual([[], 0]);
  });
});
