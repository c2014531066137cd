import { expect, test } from "bun:test";

import { SlotPool } from "../../../../src/datapath/proxy/slots.ts";

test("SlotPool hands out each slot once and says when it is empty", () => {
  const pool = new SlotPool(3);
  expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([0, 1, 2, undefined]);
  expect(pool.freeCount).toBe(0);
});

test("SlotPool hands a slot out again after it was given back", () => {
  const pool = new SlotPool(2);
  pool.take();
  pool.take();
  pool.give(0);
  expect(pool.freeCount).toBe(1);
  expect(pool.take()).toBe(0);
});
