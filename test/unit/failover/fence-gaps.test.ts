import { expect, test } from "bun:test";

import { FenceGaps } from "../../../src/failover/fence-gaps.ts";

const gap = (name: string) => ({ interface: name, reason: "EINVAL" });

test("FenceGaps waits longer after each failure, at most ten seconds", () => {
  const gaps = new FenceGaps();
  expect(gaps.isDue(3, 0)).toBe(true);
  const pauses: number[] = [];
  for (let round = 0; round < 9; round++) {
    gaps.note(3, gap("eth0"), 0);
    let pauseMs = 0;
    while (!gaps.isDue(3, pauseMs)) pauseMs += 100;
    pauses.push(pauseMs);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  gaps.clear(3);
  expect([gaps.isDue(3, 0), gaps.has(3)]).toEqual([true, false]);
});

test("FenceGaps does not wait with what is looked after elsewhere", () => {
  const gaps = new FenceGaps();
  gaps.noteWatched(3, gap("eth0"));
  expect([gaps.has(3), gaps.isDue(3, 0)]).toEqual([true, true]);
});

test("FenceGaps lists by name, and forgets interfaces that are gone", () => {
  const gaps = new FenceGaps();
  gaps.note(5, gap("eth1"), 0);
  gaps.note(3, gap("eth2"), 0);
  gaps.note(4, gap("eth0"), 0);
  expect(gaps.list()).toEqual([gap("eth0"), gap("eth1"), gap("eth2")]);
  gaps.keepOnly(new Set([3]));
  expect(gaps.list()).toEqual([gap("eth2")]);
});
