import { expect, test } from "bun:test";

import { handoverEvent, isAboutProcesses, isHandover } from "../../../src/failover/order.ts";
import type { HandoverOrder } from "../../../src/failover/order.ts";
import type { RealtimeOrder } from "../../../src/failover/protocol.ts";

test.each<[RealtimeOrder, boolean, boolean]>([
  [{ type: "standby" }, true, false],
  [{ type: "takeover", force: false }, true, false],
  [{ type: "leave" }, true, false],
  [{ type: "exit" }, false, true],
  [{ type: "guard", fd: 3 }, false, true],
  [{ type: "complete", isComplete: true }, false, false],
])("%o is of its kind", (order, handover, process) => {
  expect([isHandover(order), isAboutProcesses(order)]).toEqual([handover, process]);
});

test.each<[HandoverOrder, ReturnType<typeof handoverEvent>]>([
  [{ type: "leave" }, [undefined, { type: "leave" }]],
  [{ type: "standby" }, [undefined, { type: "standby" }]],
  [{ type: "standby", instance: "web" }, ["web", { type: "standby" }]],
  [{ type: "takeover", instance: "web", force: true }, ["web", { type: "takeover", force: true }]],
])("handoverEvent(%o)", (order, expected) => {
  expect(handoverEvent(order)).toEqual(expected);
});
