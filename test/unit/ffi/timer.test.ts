import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { monotonicMs } from "../../../ffi/clock.ts";
import { Timer } from "../../../ffi/timer.ts";
import { waitFor } from "../../helpers/wait.ts";

describe("Timer", () => {
  let timer: Timer;
  beforeEach(() => void (timer = new Timer()));
  afterEach(() => timer.close());

  test("goes off once, not before its time", async () => {
    const atMs = monotonicMs() + 200;
    timer.set(atMs);
    expect(timer.take()).toBe(false);
    await waitFor(() => (timer.take() ? true : undefined), { what: "the timer" });
    expect(monotonicMs()).toBeGreaterThanOrEqual(atMs);
    expect(timer.take()).toBe(false);
  });

  test.each([
    ["the past", -1000],
    ["zero", 0],
    ["a negative number", -5],
  ])("a time in %s is now", async (_, atMs) => {
    timer.set(atMs);
    await waitFor(() => (timer.take() ? true : undefined), { what: "the timer" });
  });

  test("Infinity turns it off", async () => {
    timer.set(monotonicMs() + 1);
    timer.set(Infinity);
    const until = monotonicMs() + 5;
    await waitFor(() => (monotonicMs() > until ? true : undefined), { what: "5 ms" });
    expect(timer.take()).toBe(false);
  });
});
