import { expect, test } from "bun:test";

import { createNeverQueue } from "../../../src/scheduler/nq.ts";
import { flowFrom, pickOrder, server, servers } from "./fixture.ts";

test("nq prefers an idle server to a fast busy one", () => {
  const scheduler = createNeverQueue();
  scheduler.update([server("fast", 65_535, { activeConnections: 1 }), server("slow", 1)]);
  expect(scheduler.pick(flowFrom(), [])?.key).toBe("slow");
});

test.each([
  { weights: { a: 1, b: 1 }, order: "abab" },
  { weights: { a: 3, b: 1 }, order: "abaaaaba" },
  { weights: { a: 3, b: 2, c: 1 }, order: "abcabaab" },
])("nq with weights $weights and lasting connections picks $order", ({ weights, order }) => {
  const scheduler = createNeverQueue();
  scheduler.update(servers(weights));
  expect(pickOrder(scheduler, order.length, true)).toBe(order);
});
