import { describe, expect, test } from "bun:test";

import { RTM_NEWLINK, RTM_NEWROUTE } from "../../../../ffi/constants/rtnetlink.ts";
import {
  decodeRoute,
  encodeGetRoute,
  encodeGetRoutes,
} from "../../../../src/netlink/route/route.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

test("encodeGetRoute() asks for one destination", () => {
  const question = { to: "192.0.2.9", from: "192.0.2.1", outIndex: 3, mark: 7 };
  expect(encodeGetRoute(question)).toEqual(
    hex(`
      02 20 20 00 00 00 00 00 00100000   # AF_INET, 32 bits each, RTM_F_LOOKUP_TABLE
      0800 0100 c0000209                 # RTA_DST
      0800 0200 c0000201                 # RTA_SRC
      0800 0400 03000000                 # RTA_OIF
      0800 1000 07000000                 # RTA_MARK
    `),
  );
  expect(encodeGetRoute({ to: "::1" }).subarray(0, 12)).toEqual(
    hex("0a 80 00 00 00 00 00 00 00000000"),
  );
});

test("encodeGetRoutes() asks for one table", () => {
  expect(encodeGetRoutes(6, 254)).toEqual(
    hex("0a 00 00 00 00 00 00 00 00000000  0800 0f00 fe000000"),
  );
});

describe("decodeRoute()", () => {
  const read = (text: string) => decodeRoute(messageOf(RTM_NEWROUTE, hex(text)));

  test("reads a default route with a source and an MTU", () => {
    const text = `
      02 00 00 00 fe 10 00 01 00000000   # table main, protocol dhcp, scope universe, unicast
      0800 0f00 fe000000                 # RTA_TABLE
      0800 0500 c0000201                 # RTA_GATEWAY
      0800 0700 c0000264                 # RTA_PREFSRC
      0800 0400 03000000                 # RTA_OIF
      0800 0600 64000000                 # RTA_PRIORITY 100
      0c00 0800 0800 0200 78050000       # RTA_METRICS: RTAX_MTU 1400
    `;
    expect(read(text)).toEqual({
      ok: true,
      value: {
        family: 4,
        destination: "0.0.0.0",
        prefixBits: 0,
        type: "unicast",
        scope: "global",
        table: 254,
        protocol: 16,
        metric: 100,
        source: "192.0.2.100",
        mtu: 1400,
        hops: [{ gateway: "192.0.2.1", outIndex: 3, weight: 1 }],
      },
    });
  });

  test("reads several hops, one by a gateway of the other family", () => {
    const text = `
      02 18 00 00 fe 04 00 01 00000000
      0800 0100 c6336400                 # RTA_DST 198.51.100.0
      3400 0900                          # RTA_MULTIPATH
        1000 00 04 03000000 0800 0500 c0000201                # weight 5
        2000 00 00 04000000 1600 1200 0a00 fe800000000000000000000000000001 0000
    `;
    expect(read(text)).toMatchObject({
      value: {
        destination: "198.51.100.0",
        hops: [
          { gateway: "192.0.2.1", outIndex: 3, weight: 5 },
          { gateway: "fe80::1", outIndex: 4, weight: 1 },
        ],
      },
    });
  });

  test("reads a route that leads nowhere, and one of a type to come", () => {
    const nowhere = read(
      "0a 40 00 00 fe 04 00 06 00000000 1400 0100 20010db8000000000000000000000000",
    );
    expect(nowhere).toMatchObject({
      value: { destination: "2001:db8::", type: "blackhole", hops: [] },
    });
    expect(read("0a 00 00 00 fe 04 00 63 00000000")).toMatchObject({
      value: { destination: "::", type: "other" },
    });
  });

  test.each([
    ["truncated", "02 00 00 00 fe 10 00"],
    ["bad-length", "02 20 00 00 fe 10 00 01 00000000 0500 0100 c0 000000"],
    ["truncated", "02 20 00 00 fe 10 00 01 00000000 0c00 0900 0900 0000 03000000"],
    ["truncated", "02 20 00 00 fe 10 00 01 00000000 0c00 0900 0400 0000 03000000"],
    ["truncated", "02 20 00 00 fe 10 00 01 00000000 1000 0900 0c00 0000 03000000 0900 0500"],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });

  test("leaves other messages and families to others", () => {
    const bytes = new Uint8Array(12);
    expect(decodeRoute(messageOf(RTM_NEWROUTE, bytes))).toEqual({ ok: true, value: undefined });
    expect(decodeRoute(messageOf(RTM_NEWLINK, bytes))).toEqual({ ok: true, value: undefined });
  });
});
