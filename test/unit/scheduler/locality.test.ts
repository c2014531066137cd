import { expect, test } from "bun:test";

import {
  localityEntriesMax,
  localityExpiryMs,
  LocalityTable,
  stoppedClock,
} from "../../../src/scheduler/locality.ts";

test("LocalityTable keeps, replaces and returns", () => {
  const table = new LocalityTable<string>();
  expect(table.use(1, 0)).toBeUndefined();
  table.set(1, "a", 0);
  table.set(0xffffffff, "b", 0);
  table.set(1, "c", 0);
  expect([table.use(1, 0), table.use(0xffffffff, 0), table.size]).toEqual(["c", "b", 2]);
});

test("LocalityTable forgets what was not used for a day; every use counts", () => {
  const table = new LocalityTable<string>();
  table.set(1, "a", 0);
  expect(table.use(1, localityExpiryMs)).toBe("a");
  expect(table.use(1, 2 * localityExpiryMs)).toBe("a");
  expect(table.use(1, 3 * localityExpiryMs + 1)).toBeUndefined();
  expect(table.size).toBe(0);
});

test("LocalityTable is bounded: the oldest goes first", () => {
  const table = new LocalityTable<number>();
  for (let word = 0; word <= localityEntriesMax; word++) table.set(word, word, 0);
  expect(table.size).toBe(localityEntriesMax);
  expect(table.use(0, 0)).toBeUndefined();
  expect(table.use(1, 0)).toBe(1);
  expect(table.use(localityEntriesMax, 0)).toBe(localityEntriesMax);
});

test("LocalityTable renews values and drops those without one", () => {
  const table = new LocalityTable<string>();
  table.set(1, "a", 0);
  table.set(2, "b", 0);
  table.renewAll((value) => (value === "a" ? "A" : undefined));
  expect([table.use(1, 0), table.use(2, 0), table.size]).toEqual(["A", undefined, 1]);
});

test("stoppedClock stands still", () => {
  expect(stoppedClock.nowMs()).toBe(0);
});
