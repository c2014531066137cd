import { expect, test } from "bun:test";

import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
} from "../../../../ffi/constants/rtnetlink.ts";
import { decodeRouteEvent } from "../../../../src/netlink/route/event.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

const lo = "00 00 0403 01000000 08000000 00000000  0700 0300 6c6f00 00";
const address = "02 20 00 00 03000000  0800 0200 c0000201";

test.each([
  ["link-set", RTM_NEWLINK, lo, { link: { name: "lo" } }],
  ["link-gone", RTM_DELLINK, lo, { link: { name: "lo" } }],
  ["address-set", RTM_NEWADDR, address, { address: { address: "192.0.2.1" } }],
  ["address-gone", RTM_DELADDR, address, { address: { address: "192.0.2.1" } }],
])("decodeRouteEvent() reads %s", (type, number, bytes, rest) => {
  const event = decodeRouteEvent(messageOf(number, hex(bytes)));
  expect(event).toMatchObject({ ok: true, value: { type, ...rest } });
});

test.each([
  ["a route", RTM_NEWROUTE, "02"],
  ["a port of a bridge", RTM_DELLINK, `07${lo.slice(2)}`],
  ["an address of another family", RTM_DELADDR, `1c${address.slice(2)}`],
])("decodeRouteEvent() leaves out %s", (_name, number, bytes) => {
  const event = decodeRouteEvent(messageOf(number, hex(bytes)));
  expect(event).toEqual({ ok: true, value: undefined });
});

test.each([RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR])(
  "decodeRouteEvent() says that a message of type %i is truncated",
  (number) => {
    const event = decodeRouteEvent(messageOf(number, [0]));
    expect(event).toEqual({ ok: false, fault: "truncated" });
  },
);
