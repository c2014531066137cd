import { describe, expect, test } from "bun:test";

import { Gatherer } from "../../../../src/datapath/proxy/gatherer.ts";

/** A gatherer, and what it did after each batch. */
function createGatherer(): (batches: readonly (readonly [number, number])[]) => boolean[] {
  let pauses = 0;
  const gatherer = new Gatherer({ take: () => (pauses += 1) });
  return (batches) =>
    batches.map(([count, nowMs]) => {
      const before = pauses;
      gatherer.afterBatch(count, nowMs);
      return pauses > before;
    });
}

/** `count` events in a batch, one batch each 0.05 ms of the millisecond that starts at `fromMs`. */
function millisecond(fromMs: number, count: number): [number, number][] {
  return Array.from({ length: 20 }, (_, index) => [count, fromMs + index * 0.05]);
}

describe("Gatherer", () => {
  test("does not sleep while there are few events", () => {
    const run = createGatherer();
    const quiet = [...millisecond(0, 1), ...millisecond(1, 1), ...millisecond(2, 1)];
    expect(run(quiet)).toEqual(quiet.map(() => false));
  });

  test("sleeps before each wait once there are many", () => {
    const run = createGatherer();
    run(millisecond(0, 4));
    expect(run(millisecond(1, 4))).toEqual(Array.from({ length: 20 }, () => true));
  });

  test("does not sleep after a batch that is large by itself, nor after none", () => {
    const run = createGatherer();
    run(millisecond(0, 4));
    expect(
      run([
        [4, 1],
        [32, 1.05],
        [0, 1.1],
        [31, 1.15],
      ]),
    ).toEqual([true, false, false, true]);
  });

  test("rests for a millisecond after a pause that gathered next to nothing", () => {
    const run = createGatherer();
    run(millisecond(0, 4));
    expect(
      run([
        [4, 1],
        [2, 1.05],
        [40, 1.1],
        [4, 1.5],
        [30, 2.04],
        [4, 2.06],
      ]),
    ).toEqual([true, false, false, false, false, true]);
  });

  test("stops when the events get fewer", () => {
    const run = createGatherer();
    run(millisecond(0, 4));
    expect(run([[4, 1.5]])).toEqual([true]);
    expect(
      run([
        [4, 3],
        [4, 3.05],
      ]),
    ).toEqual([false, false]);
  });

  test("sleeps for real by default", () => {
    const gatherer = new Gatherer();
    for (let nowMs = 0; nowMs < 2; nowMs += 0.05) gatherer.afterBatch(4, nowMs);
    const start = Bun.nanoseconds();
    gatherer.afterBatch(4, 2);
    expect(Bun.nanoseconds() - start).toBeGreaterThan(49_000);
  });
});
