import { expect, test } from "bun:test";

import { buildMaglevTable, hashMaglevTable, slotOf } from "../../../src/scheduler/index.ts";
import type { MaglevServer, MaglevTable } from "../../../src/scheduler/index.ts";
import { manyServers, servers } from "./fixture.ts";

/** Slots of each server, in the order of the keys. */
function slotCounts(table: MaglevTable<MaglevServer>): number[] {
  const counts = table.servers.map(() => 0);
  for (const index of table.slots) counts[index]!++;
  return counts;
}

/** Key of each slot. */
function slotKeys({ servers: list, slots }: MaglevTable<MaglevServer>): string[] {
  return Array.from(slots, (index) => list[index]!.key);
}

/** How many slots differ, as a part of all. */
function movedPart(a: MaglevTable<MaglevServer>, b: MaglevTable<MaglevServer>): number {
  const [before, after] = [slotKeys(a), slotKeys(b)];
  return before.filter((key, slot) => key !== after[slot]).length / before.length;
}

const three = servers({ "10.0.0.1:80": 1, "10.0.0.2:80": 1, "10.0.0.3:80": 2 });

test("buildMaglevTable gives these slots, in every version of this program", () => {
  const table = buildMaglevTable(three);
  expect(table.servers.map(({ key }) => key)).toEqual(three.map(({ key }) => key));
  expect(table.slots.length).toBe(4093);
  expect(table.slots.slice(0, 24).join("")).toBe("222221122122211212202121");
  expect(hashMaglevTable(table)).toBe(2_881_715_820);
});

test.each([
  { sourceWord: 0, size: 4093, slot: 0 },
  { sourceWord: 1, size: 4093, slot: 1308 },
  { sourceWord: 0xc6336401, size: 4093, slot: 2180 },
  { sourceWord: 0xffffffff, size: 65_521, slot: 34_400 },
])("slotOf($sourceWord, $size) is $slot", ({ sourceWord, size, slot }) => {
  expect(slotOf(sourceWord, size)).toBe(slot);
});

test.each([
  { count: 1, size: 4093 },
  { count: 40, size: 4093 },
  { count: 41, size: 65_521 },
  { count: 1000, size: 65_521 },
])("buildMaglevTable has $size slots for $count servers", ({ count, size }) => {
  expect(buildMaglevTable(manyServers(count, () => 1)).slots.length).toBe(size);
});

test("buildMaglevTable counts quiescent servers for the size and gives them no slot", () => {
  const table = buildMaglevTable(manyServers(41, (index) => (index < 4 ? 1 : 0)));
  expect(table.slots.length).toBe(65_521);
  expect(table.servers.length).toBe(4);
});

test("buildMaglevTable of nobody is empty", () => {
  expect(buildMaglevTable(servers({ a: 0 })).slots.length).toBe(0);
});

test("buildMaglevTable does not depend on the order of the configuration", () => {
  const list = manyServers(30, (index) => 1 + (index % 4));
  const table = buildMaglevTable(list);
  const reversed = buildMaglevTable(list.toReversed());
  expect(reversed.slots).toEqual(table.slots);
  expect(hashMaglevTable(reversed)).toBe(hashMaglevTable(table));
});

test.each([
  { weights: { a: 1, b: 1, c: 1, d: 1 }, shares: [1024, 1023, 1023, 1023] },
  { weights: { a: 1, b: 2, c: 3, d: 4 }, shares: [409, 819, 1228, 1637] },
  { weights: { a: 10, b: 20, c: 30, d: 40 }, shares: [409, 819, 1228, 1637] },
  { weights: { a: 65_535, b: 32_768, c: 0, d: 1 }, shares: [2728, 1364, 1] },
])("buildMaglevTable respects weights $weights within two slots", ({ weights, shares }) => {
  const counts = slotCounts(buildMaglevTable(servers(weights)));
  expect(counts.length).toBe(shares.length);
  for (const [index, share] of shares.entries()) {
    expect(Math.abs(counts[index]! - share)).toBeLessThanOrEqual(2);
  }
});

test("buildMaglevTable gives each of 1,000 equal servers 65 or 66 slots", () => {
  const counts = slotCounts(buildMaglevTable(manyServers(1000, () => 7)));
  expect(new Set(counts)).toEqual(new Set([65, 66]));
});

test.each([2, 4, 10, 40, 100])(
  "buildMaglevTable moves about 1/n when one of %i leaves",
  (count) => {
    const list = manyServers(count, () => 1);
    const before = buildMaglevTable(list);
    const quiescent = list.map((entry, index) => (index === 1 ? { ...entry, weight: 0 } : entry));
    const moved = movedPart(before, buildMaglevTable(quiescent));
    expect(moved).toBeGreaterThan(0.9 / count);
    expect(moved).toBeLessThan(2 / count);
  },
);

test("buildMaglevTable gives a server that returns its old slots", () => {
  const list = manyServers(8, () => 3);
  expect(buildMaglevTable([...list.slice(1), list[0]!]).slots).toEqual(
    buildMaglevTable(list).slots,
  );
});

test.each([
  { title: "a key", change: { key: "10.0.0.4:80" } },
  { title: "a weight", change: { weight: 3 } },
  { title: "a quiescent server", change: { weight: 0 } },
])("hashMaglevTable tells a difference in $title", ({ change }) => {
  const changed = three.map((entry, index) => (index === 2 ? { ...entry, ...change } : entry));
  expect(hashMaglevTable(buildMaglevTable(changed))).not.toBe(
    hashMaglevTable(buildMaglevTable(three)),
  );
});

test("hashMaglevTable does not mind weights in the same proportion", () => {
  const doubled = three.map((entry) => ({ ...entry, weight: entry.weight * 2 }));
  expect(hashMaglevTable(buildMaglevTable(doubled))).toBe(hashMaglevTable(buildMaglevTable(three)));
});
