import { expect, test } from "bun:test";

import { createLeastConnection } from "../../../src/scheduler/lc.ts";
import { flowFrom, pickOrder, server, servers } from "./fixture.ts";

test.each([
  { title: "fewest active", active: [3, 1, 2], inactive: [0, 0, 0], key: "b" },
  { title: "an active one weighs 256", active: [1, 0, 1], inactive: [0, 255, 0], key: "b" },
  { title: "256 inactive tie, in turn", active: [1, 0, 2], inactive: [0, 256, 0], key: "a" },
  { title: "257 inactive are more", active: [1, 0, 2], inactive: [0, 257, 0], key: "a" },
])("lc picks $key: $title", ({ active, inactive, key }) => {
  const scheduler = createLeastConnection();
  scheduler.update(
    ["a", "b", "c"].map((name, index) =>
      server(name, 1 + index, {
        activeConnections: active[index]!,
        inactiveConnections: inactive[index]!,
      }),
    ),
  );
  expect(scheduler.pick(flowFrom(), [])?.key).toBe(key);
});

test.each([
  { keeps: true, order: "abcabcabc" },
  { keeps: false, order: "abcabcabc" },
])("lc ignores weights, also in ties (connections stay: $keeps)", ({ keeps, order }) => {
  const scheduler = createLeastConnection();
  scheduler.update(servers({ a: 7, b: 1, c: 3 }));
  expect(pickOrder(scheduler, 9, keeps)).toBe(order);
});
