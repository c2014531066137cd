import { expect, test } from "bun:test";

import { timed } from "../../../src/check/timed.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

test("timed() hands the deadline on, and gives the result with the time it took", async () => {
  const clock = createFakeClock();
  const failure = { reason: "closed", detail: "x" } as const;
  const startedAtMs = clock.nowMs();
  const result = await timed(clock, 100, (deadline) => {
    expect(deadline).toEqual({ atMs: startedAtMs + 100, limitMs: 100 });
    clock.advance(7);
    return Promise.resolve(failure);
  });
  expect(result).toEqual({ up: false, tookMs: 7, ...failure });
  const passed = await timed(clock, 100, () => Promise.resolve(undefined));
  expect(passed).toEqual({ up: true, tookMs: 0 });
});
