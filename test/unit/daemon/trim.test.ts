import { expect, test } from "bun:test";

import { keepTrimmed, trimCode } from "../../../src/daemon/trim.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

test("trimCode leaves the program running", () => {
  trimCode();
  expect(["b", "a"].toReversed()).toEqual(["a", "b"]);
});

test("keepTrimmed trims after the start, each 15 s, and not once it is stopped", () => {
  const clock = createFakeClock();
  let trims = 0;
  const stop = keepTrimmed(clock, () => void (trims += 1));
  clock.advance(1999);
  expect(trims).toBe(0);
  clock.advance(1);
  expect(trims).toBe(1);
  clock.advance(30_000);
  expect(trims).toBe(3);
  stop();
  clock.advance(120_000);
  expect(trims).toBe(3);
  expect(clock.pendingCount()).toBe(0);
});
