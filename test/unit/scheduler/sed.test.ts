import { expect, test } from "bun:test";

import { createShortestExpectedDelay } from "../../../src/scheduler/sed.ts";
import { flowFrom, pickOrder, server, servers } from "./fixture.ts";

test.each([
  { weights: { a: 1, b: 1 }, order: "abab" },
  { weights: { a: 3, b: 1 }, order: "aabaaaba" },
  { weights: { a: 3, b: 2, c: 1 }, order: "abacbaab" },
])("sed with weights $weights and lasting connections picks $order", ({ weights, order }) => {
  const scheduler = createShortestExpectedDelay();
  scheduler.update(servers(weights));
  expect(pickOrder(scheduler, order.length, true)).toBe(order);
});

test("sed prefers a fast busy server to a slow idle one", () => {
  const scheduler = createShortestExpectedDelay();
  scheduler.update([server("fast", 10, { activeConnections: 5 }), server("slow", 1)]);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe("fast");
});

test("sed does not count inactive connections", () => {
  const scheduler = createShortestExpectedDelay();
  scheduler.update([server("a", 2, { inactiveConnections: 9999 }), server("b", 1)]);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe("a");
});
