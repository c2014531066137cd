import { describe, expect, test } from "bun:test";

import {
  buildSlotTable,
  hasSlotTable,
  looksAtLoad,
} from "../../../../src/datapath/bpf/slot-table.ts";
import { schedulerNames } from "../../../../src/model/index.ts";
import { buildMaglevTable } from "../../../../src/scheduler/index.ts";

const servers = [
  { key: "192.0.2.12:80", weight: 1, index: 30 },
  { key: "192.0.2.11:80", weight: 3, index: 40 },
  { key: "192.0.2.13:80", weight: 0, index: 50 },
];

function shares(slots: Uint32Array): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const index of slots) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
}

describe("buildSlotTable", () => {
  test("rr: one slot a server that may get something", () => {
    expect(buildSlotTable("rr", servers)).toEqual({
      scheduler: 0,
      slots: Uint32Array.of(30, 40),
      members: Uint32Array.of(30, 40),
      hashBits: 0,
    });
  });

  test("wrr: a round as short as the weights allow, heavy servers not in a row", () => {
    const doubled = servers.map((server) => ({ ...server, weight: server.weight * 100 }));
    const { slots } = buildSlotTable("wrr", doubled);
    expect(slots).toHaveLength(4);
    expect(shares(slots)).toEqual({ 30: 1, 40: 3 });
  });

  test("wrr: a round of great weights is cut, with nearly the right shares", () => {
    const great = [
      { key: "a", weight: 65_535, index: 0 },
      { key: "b", weight: 32_768, index: 1 },
    ];
    const counts = shares(buildSlotTable("wrr", great).slots);
    expect(counts[0]! + counts[1]!).toBe(4096);
    expect(counts[0]! / counts[1]!).toBeCloseTo(2, 2);
  });

  test("mh: the same table as the proxy's scheduler, whatever the order", () => {
    const { scheduler, slots } = buildSlotTable("mh", servers.toReversed());
    const expected = buildMaglevTable(servers);
    expect(scheduler).toBe(2);
    expect(slots).toEqual(
      Uint32Array.from(expected.slots, (place) => expected.servers[place]!.index),
    );
  });

  test("sh: buckets by weight, their number a power of two", () => {
    const { scheduler, slots, hashBits } = buildSlotTable("sh", servers);
    expect(scheduler).toBe(1);
    expect(slots).toHaveLength(2 ** hashBits);
    expect(shares(slots)).toEqual({ 30: 64, 40: 192 });
  });

  test("wlc: no slots, and each server that may get something once", () => {
    const { scheduler, slots, members } = buildSlotTable("wlc", servers);
    expect([scheduler, slots.length, members]).toEqual([4, 0, Uint32Array.of(30, 40)]);
  });

  test.each(["rr", "wrr", "mh", "sh"] as const)("%s has the same members", (name) => {
    expect(buildSlotTable(name, servers).members).toEqual(Uint32Array.of(30, 40));
  });

  test.each(["rr", "wrr", "mh", "sh", "wlc"] as const)(
    "%s: nobody, if all have weight 0",
    (name) => {
      const none = servers.map((server) => ({ ...server, weight: 0 }));
      const { slots, members } = buildSlotTable(name, none);
      expect([slots.length, members.length]).toEqual([0, 0]);
    },
  );
});

test("hasSlotTable() knows which schedulers there are", () => {
  expect(schedulerNames.filter(hasSlotTable)).toEqual([
    "rr",
    "wrr",
    "lc",
    "wlc",
    "sed",
    "nq",
    "sh",
    "mh",
  ]);
  expect(schedulerNames.filter(looksAtLoad)).toEqual(["lc", "wlc", "sed", "nq"]);
});
