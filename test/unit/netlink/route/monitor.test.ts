import { expect, test } from "bun:test";

import { RTM_DELLINK, RTM_NEWROUTE } from "../../../../ffi/constants/rtnetlink.ts";
import { Subscription } from "../../../../src/netlink/index.ts";
import { RouteMonitor } from "../../../../src/netlink/route/index.ts";
import { createFakeKernel, hex, kernelAnswer, messageOf } from "../../../helpers/fake-kernel.ts";

const lo = hex("00 00 0403 01000000 08000000 00000000  0700 0300 6c6f00 00");
const notice = (type: number, payload: Uint8Array): Uint8Array =>
  kernelAnswer.part(messageOf(type, []), type, payload, 0);

test("RouteMonitor.drain() gives events and leaves out the rest", () => {
  const kernel = createFakeKernel();
  kernel.push(notice(RTM_NEWROUTE, new Uint8Array(12)));
  kernel.push(notice(RTM_DELLINK, lo));
  const seen: string[] = [];
  using monitor = new RouteMonitor(new Subscription(kernel));
  const result = monitor.drain(({ type }) => seen.push(type));
  expect(seen).toEqual(["link-gone"]);
  expect(result).toEqual({ isStale: false, hasMore: false });
  expect(monitor.fd).toBe(-1);
});

test.each([
  ["lost notices", "overrun"],
  ["an event that it cannot read", notice(RTM_DELLINK, lo.subarray(0, 4))],
] as const)("RouteMonitor.drain() asks for new lists after %s", (_name, bad) => {
  const kernel = createFakeKernel();
  kernel.push(bad);
  kernel.push(notice(RTM_DELLINK, lo));
  const seen: string[] = [];
  using monitor = new RouteMonitor(new Subscription(kernel));
  expect(monitor.drain(({ type }) => seen.push(type)).isStale).toBe(true);
  expect(seen).toEqual(["link-gone"]);
});

test("RouteMonitor closes its subscription", () => {
  const kernel = createFakeKernel();
  new RouteMonitor(new Subscription(kernel)).close();
  expect(kernel.isClosed).toBe(true);
});
