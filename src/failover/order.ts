/**
 * Kinds of orders to the real-time thread, and what they say to virtual routers. Pure.
 *
 * @module
 */

import type { RouterEvent } from "../vrrp/index.ts";
import type { RealtimeOrder } from "./protocol.ts";

type OrderOf<T extends RealtimeOrder["type"]> = Extract<RealtimeOrder, { readonly type: T }>;

/** An order that gives addresses away, or asks for them. */
export type HandoverOrder = OrderOf<"leave" | "standby" | "takeover">;

/** An order about guard, successor and end of the thread's process. */
export type ProcessOrder = OrderOf<"guard" | "prepare" | "yield" | "exit">;

/** True for an order that gives addresses away, or asks for them. */
export function isHandover(order: RealtimeOrder): order is HandoverOrder {
  return order.type === "leave" || order.type === "standby" || order.type === "takeover";
}

/** True for an order about guard, successor and end of the thread's process. */
export function isAboutProcesses(order: RealtimeOrder): order is ProcessOrder {
  const { type } = order;
  return type === "guard" || type === "prepare" || type === "yield" || type === "exit";
}

/** Which virtual router a handover is about, undefined for all, and what it is told. */
export function handoverEvent(
  order: HandoverOrder,
): readonly [name: string | undefined, event: RouterEvent] {
  if (order.type === "leave") return [undefined, order];
  if (order.type === "standby") return [order.instance, { type: "standby" }];
  return [order.instance, { type: "takeover", force: order.force }];
}
