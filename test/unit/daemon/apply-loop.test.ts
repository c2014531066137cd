import { describe, expect, test } from "bun:test";

import { createApplyLoop } from "../../../src/daemon/apply-loop.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

/** Runs that end when the test says so. */
function createRuns() {
  const open: ((isComplete: boolean) => void)[] = [];
  let started = 0;
  return {
    run: () => {
      started += 1;
      return new Promise<boolean>((resolve) => open.push(resolve));
    },
    started: () => started,
    end: (isComplete = true) => open.shift()!(isComplete),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createApplyLoop()", () => {
  test("many requests of one turn make one run", async () => {
    const runs = createRuns();
    const loop = createApplyLoop(createFakeClock(), runs.run);
    loop.request();
    loop.request();
    await turn();
    loop.request();
    expect(runs.started()).toBe(1);
    runs.end();
    await turn();
    expect(runs.started()).toBe(2);
    runs.end();
    await loop.settled();
    expect(runs.started()).toBe(2);
  });

  test("runs never overlap", async () => {
    const runs = createRuns();
    const loop = createApplyLoop(createFakeClock(), runs.run);
    loop.request();
    await turn();
    loop.request();
    await turn();
    await turn();
    expect(runs.started()).toBe(1);
    runs.end();
    await turn();
    runs.end();
    await loop.settled();
  });

  test("settled() waits for what was requested before", async () => {
    const runs = createRuns();
    const loop = createApplyLoop(createFakeClock(), runs.run);
    await loop.settled();
    loop.request();
    let isSettled = false;
    const settled = loop.settled().then(() => (isSettled = true));
    await turn();
    await turn();
    expect(isSettled).toBe(false);
    runs.end();
    await settled;
    expect(runs.started()).toBe(1);
  });

  test("tries again after a run that was not complete", async () => {
    const clock = createFakeClock();
    const runs = createRuns();
    const loop = createApplyLoop(clock, runs.run);
    loop.request();
    await turn();
    runs.end(false);
    await loop.settled();
    clock.advance(4999);
    await turn();
    expect(runs.started()).toBe(1);
    clock.advance(1);
    await turn();
    expect(runs.started()).toBe(2);
    runs.end();
    await loop.settled();
    expect(clock.pendingCount()).toBe(0);
  });

  test("close() waits for the run under way and starts none", async () => {
    const clock = createFakeClock();
    const runs = createRuns();
    const loop = createApplyLoop(clock, runs.run);
    loop.request();
    await turn();
    loop.request();
    const closed = loop.close();
    runs.end(false);
    await closed;
    loop.request();
    await turn();
    expect(runs.started()).toBe(1);
    expect(clock.pendingCount()).toBe(0);
  });
});
