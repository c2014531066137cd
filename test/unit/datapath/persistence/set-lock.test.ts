import { expect, test } from "bun:test";

import { lock, patience, unlock } from "../../../../src/datapath/persistence/set-lock.ts";
import { runThreads } from "./threads.ts";

test("lock takes a free lock and leaves its neighbours alone", () => {
  const locks = new Int32Array(new SharedArrayBuffer(12));
  expect(lock(locks, 1, patience.dataPath)).toBe(true);
  expect([...locks]).toEqual([0, 1, 0]);
  unlock(locks, 1);
  expect([...locks]).toEqual([0, 0, 0]);
});

test("lock gives up on one that is never given back, which then still works", () => {
  const locks = new Int32Array(new SharedArrayBuffer(4));
  lock(locks, 0, 1);
  expect(lock(locks, 0, 1)).toBe(false);
  unlock(locks, 0);
  expect(lock(locks, 0, 1)).toBe(true);
  unlock(locks, 0);
  expect(locks[0]).toBe(0);
});

test("lock lets one thread in at a time", async () => {
  const words = new SharedArrayBuffer(8);
  const failures = await runThreads(4, 50_000, { type: "count", words });
  expect(failures).toEqual([[0], [0], [0], [0]]);
  expect([...new Int32Array(words)]).toEqual([0, 200_000]);
});
