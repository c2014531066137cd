import { expect, test } from "bun:test";

import { createWeightedRoundRobin } from "../../../src/scheduler/wrr.ts";
import { flowFrom, pickCounts, pickOrder, servers } from "./fixture.ts";

test.each([
  { weights: { a: 1, b: 1 }, order: "abab" },
  { weights: { a: 2, b: 1 }, order: "abaaba" },
  { weights: { a: 20, b: 10 }, order: "abaaba" },
  { weights: { a: 5, b: 1, c: 1 }, order: "aabacaa" },
  { weights: { a: 4, b: 3, c: 2 }, order: "abcabacba" },
  { weights: { a: 3, b: 0, c: 1 }, order: "aacaaaca" },
])("wrr with weights $weights picks $order", ({ weights, order }) => {
  const scheduler = createWeightedRoundRobin();
  scheduler.update(servers(weights));
  expect(pickOrder(scheduler, order.length)).toBe(order);
});

test("wrr gives each exactly its weight in a round, also with large weights", () => {
  const scheduler = createWeightedRoundRobin();
  scheduler.update(servers({ a: 65_535, b: 1, c: 300, d: 7 }));
  expect(pickCounts(scheduler, 65_843)).toEqual({ a: 65_535, b: 1, c: 300, d: 7 });
});

test("wrr keeps its place in the round over an update", () => {
  const scheduler = createWeightedRoundRobin();
  scheduler.update(servers({ a: 5, b: 1, c: 1 }));
  expect(pickOrder(scheduler, 3)).toBe("aab");
  scheduler.update(servers({ a: 5, b: 1, c: 1 }));
  expect(pickOrder(scheduler, 4)).toBe("acaa");
});

test("wrr forgets a debt that a smaller weight could not pay back", () => {
  const scheduler = createWeightedRoundRobin();
  scheduler.update(servers({ a: 65_535, b: 65_535 }));
  expect(pickOrder(scheduler, 1)).toBe("a");
  scheduler.update(servers({ a: 1, b: 1 }));
  expect(pickOrder(scheduler, 6)).toBe("bbabab");
});

test("wrr shares out among the others while one is overloaded", () => {
  const scheduler = createWeightedRoundRobin();
  const list = servers({ a: 2, b: 2, c: 1 });
  scheduler.update(list);
  list[0]!.isOverloaded = true;
  expect(pickCounts(scheduler, 30)).toEqual({ b: 20, c: 10 });
  list[0]!.isOverloaded = false;
  expect(pickCounts(scheduler, 50)).toEqual({ a: 20, b: 20, c: 10 });
});

test("wrr charges nobody when nobody can take the connection", () => {
  const scheduler = createWeightedRoundRobin();
  const list = servers({ a: 2, b: 1 });
  scheduler.update(list);
  expect(scheduler.pick(flowFrom(), list)).toBeUndefined();
  expect(pickOrder(scheduler, 6)).toBe("abaaba");
});
