import { expect, test } from "bun:test";

import { createRoundRobin } from "../../../src/scheduler/rr.ts";
import { flowFrom, pickOrder, servers } from "./fixture.ts";

test.each([
  { weights: { a: 1, b: 1, c: 1 }, order: "abcabcab" },
  { weights: { a: 9, b: 1, c: 5 }, order: "abcabcab" },
  { weights: { a: 1, b: 0, c: 1 }, order: "acacacac" },
])("rr with weights $weights picks $order", ({ weights, order }) => {
  const scheduler = createRoundRobin();
  scheduler.update(servers(weights));
  expect(pickOrder(scheduler, 8)).toBe(order);
});

test.each([
  { title: "a weight changes", after: { a: 1, b: 5, c: 1 }, order: "cabc" },
  { title: "a server joins behind", after: { a: 1, b: 1, c: 1, d: 1 }, order: "cdab" },
  { title: "a server joins before", after: { z: 1, a: 1, b: 1, c: 1 }, order: "czab" },
  { title: "the order changes", after: { c: 1, b: 1, a: 1 }, order: "acba" },
  { title: "the last picked leaves", after: { a: 1, c: 1 }, order: "caca" },
  { title: "all up to the last picked leave", after: { c: 1, d: 1 }, order: "cdcd" },
])("rr goes on after b when $title: $order", ({ after, order }) => {
  const scheduler = createRoundRobin();
  scheduler.update(servers({ a: 1, b: 1, c: 1 }));
  expect(pickOrder(scheduler, 2)).toBe("ab");
  scheduler.update(servers(after));
  expect(pickOrder(scheduler, 4)).toBe(order);
});

test("rr does not move on when nobody can take the connection", () => {
  const scheduler = createRoundRobin();
  const list = servers({ a: 1, b: 1, c: 1 });
  scheduler.update(list);
  expect(pickOrder(scheduler, 1)).toBe("a");
  expect(scheduler.pick(flowFrom(), list)).toBeUndefined();
  expect(pickOrder(scheduler, 2)).toBe("bc");
});
