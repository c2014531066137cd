import { expect, test } from "bun:test";

import { createWeightedLeastConnection } from "../../../src/scheduler/wlc.ts";
import { flowFrom, pickCounts, pickOrder, server, servers } from "./fixture.ts";

test.each([
  { title: "4/2 against 1/1", a: [2, 4, 0], b: [1, 1, 0], key: "b" },
  { title: "3/4 against 1/1", a: [4, 3, 0], b: [1, 1, 0], key: "a" },
  { title: "inactive ones break the tie", a: [4, 4, 1], b: [1, 1, 0], key: "b" },
  { title: "100/65535 against 0/1", a: [65_535, 100, 0], b: [1, 0, 0], key: "b" },
] as const)("wlc picks $key: $title", ({ a, b, key }) => {
  const scheduler = createWeightedLeastConnection();
  const list = [a, b].map(([weight, activeConnections, inactiveConnections], index) =>
    server("ab"[index]!, weight, { activeConnections, inactiveConnections }),
  );
  scheduler.update(list);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe(key);
});

test.each([
  { weights: { a: 1, b: 1 }, order: "ababab" },
  { weights: { a: 2, b: 1 }, order: "abaaba" },
  { weights: { a: 3, b: 1 }, order: "abaaabaa" },
])("wlc with weights $weights and lasting connections picks $order", ({ weights, order }) => {
  const scheduler = createWeightedLeastConnection();
  scheduler.update(servers(weights));
  expect(pickOrder(scheduler, order.length, true)).toBe(order);
});

test("wlc respects weights even if every connection has ended before the next one", () => {
  const scheduler = createWeightedLeastConnection();
  scheduler.update(servers({ a: 4, b: 2, c: 1 }));
  expect(pickCounts(scheduler, 70)).toEqual({ a: 40, b: 20, c: 10 });
});
