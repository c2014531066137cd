import { expect, test } from "bun:test";

import { createLeast, weightedOverhead } from "../../../src/scheduler/least.ts";
import { flowFrom, pickOrder, server, servers } from "./fixture.ts";

test.each([
  { activeConnections: 0, inactiveConnections: 0, weight: 3, load: 0 },
  { activeConnections: 1, inactiveConnections: 0, weight: 1, load: 256 },
  { activeConnections: 0, inactiveConnections: 255, weight: 1, load: 255 },
  { activeConnections: 3, inactiveConnections: 8, weight: 4, load: 194 },
  { activeConnections: 1_000_000, inactiveConnections: 1, weight: 1, load: 256_000_001 },
])("weightedOverhead counts an active connection as 256 inactive ones: $load", (row) => {
  const { load, ...state } = row;
  expect(weightedOverhead(server("a", 1, state))).toBe(load);
});

const plain = {
  name: "lc",
  perActive: 1,
  countsInactive: false,
  own: 0,
  isWeighted: false,
  idleFirst: false,
} as const;

test.each([
  { title: "active connections alone", change: {}, key: "b" },
  { title: "inactive ones too", change: { countsInactive: true }, key: "c" },
  { title: "by weight", change: { isWeighted: true }, key: "a" },
  { title: "the new one counts", change: { isWeighted: true, own: 8 }, key: "a" },
  { title: "idle first", change: { idleFirst: true, own: 9 }, key: "b" },
])("createLeast by $title picks $key", ({ change, key }) => {
  const scheduler = createLeast({ ...plain, ...change });
  const busy = { activeConnections: 2 };
  scheduler.update([
    server("a", 9, { ...busy, inactiveConnections: 5 }),
    server("b", 1, { activeConnections: change.isWeighted ? 2 : 0, inactiveConnections: 7 }),
    server("c", 1, { activeConnections: 3 }),
  ]);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe(key);
});

test("createLeast bears the given name and shares ties by turn", () => {
  const scheduler = createLeast({ ...plain, name: "sed" });
  scheduler.update(servers({ a: 9, b: 1 }));
  expect(scheduler.name).toBe("sed");
  expect(pickOrder(scheduler, 4)).toBe("abab");
});
