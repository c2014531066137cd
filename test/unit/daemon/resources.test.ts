/**
 * Resources of all virtual routers, over scripts that succeed unless they are held.
 */
import { describe, expect, test } from "bun:test";

import { closeWaitMs, handoverWaitMs, Resources } from "../../../src/daemon/resources.ts";
import type { ProgramRequest, ProgramResult } from "../../../src/process/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { settle } from "./director-fixture.ts";

function setUp() {
  const clock = createFakeClock();
  const calls: string[] = [];
  const held = new Set<string>();
  const run = ({ command, signal }: ProgramRequest): Promise<ProgramResult> => {
    const call = command.join(" ");
    calls.push(call);
    const { promise, resolve } = Promise.withResolvers<ProgramResult>();
    if (!held.has(call)) resolve({ outcome: "exited", status: 0, output: "", tookMs: 1 });
    signal?.addEventListener("abort", () => resolve({ outcome: "timeout", output: "", tookMs: 1 }));
    return promise;
  };
  const resources = new Resources({ clock, run, tell: () => undefined });
  return { resources, calls, held, clock };
}

const one = { name: "one", resources: [["/a"]] };
const other = { name: "other", resources: [["/b"]] };
const calm = new AbortController().signal;

describe("Resources", () => {
  test("follow each virtual router by itself; those without any need nothing", async () => {
    const { resources, calls } = setUp();
    resources.apply([one, other, { name: "none", resources: [] }]);
    await settle();
    calls.length = 0;
    resources.follow("one", true);
    resources.follow("none", true);
    await settle();
    expect(calls).toEqual(["/a status", "/a start"]);
    expect(resources.views("one").map(({ state }) => state)).toEqual(["running"]);
    expect([resources.views("none"), resources.views("unknown")]).toEqual([[], []]);
  });

  test("release() settles when they have stopped", async () => {
    const { resources, calls, clock } = setUp();
    resources.apply([one, other]);
    resources.follow("one", true);
    resources.follow("other", true);
    await settle();
    calls.length = 0;
    await resources.release(["one"]);
    expect([calls, clock.pendingCount()]).toEqual([["/a stop"], 0]);
  });

  test("release() waits only so long for one that hangs", async () => {
    const { resources, held, clock } = setUp();
    resources.apply([one]);
    resources.follow("one", true);
    await settle();
    held.add("/a stop");
    let isOver = false;
    void resources.release(["one"]).then(() => (isOver = true));
    clock.advance(handoverWaitMs - 1);
    await settle();
    expect(isOver).toBe(false);
    clock.advance(1);
    await settle();
    expect(isOver).toBe(true);
    expect(resources.views("one")[0]!.state).toBe("stopping");
  });

  test("leave() stops all, and a takeover behind it starts nothing", async () => {
    const { resources, calls } = setUp();
    resources.apply([one, other]);
    resources.follow("one", true);
    await settle();
    calls.length = 0;
    await resources.leave(calm);
    resources.follow("other", true);
    await settle();
    expect(calls).toEqual(["/a stop"]);
  });

  test("leave() in a hurry kills what is at work", async () => {
    const { resources, held } = setUp();
    resources.apply([one]);
    resources.follow("one", true);
    await settle();
    held.add("/a stop");
    const hurry = new AbortController();
    const left = resources.leave(hurry.signal);
    await settle();
    hurry.abort();
    await left;
    expect(resources.views("one")[0]!.state).toBe("failed");
  });

  test("close() waits once more, then kills", async () => {
    const { resources, held, clock } = setUp();
    resources.apply([one]);
    resources.follow("one", true);
    await settle();
    held.add("/a stop");
    const left = resources.leave(calm);
    clock.advance(handoverWaitMs);
    await left;
    const closed = resources.close();
    clock.advance(closeWaitMs);
    await closed;
    await settle();
    expect(resources.views("one")[0]!.state).toBe("failed");
  });

  test("a virtual router that goes has its resources stopped", async () => {
    const { resources, calls } = setUp();
    resources.apply([one]);
    resources.follow("one", true);
    await settle();
    calls.length = 0;
    resources.apply([]);
    await settle();
    expect([calls, resources.views("one")]).toEqual([["/a stop"], []]);
  });
});
