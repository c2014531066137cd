import { describe, expect, test } from "bun:test";

import { RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK } from "../../../../ffi/constants/rtnetlink.ts";
import { decodeLink, encodeLinkHead, formatMac } from "../../../../src/netlink/route/link.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

/** A VLAN on a bridge port, written out by linux/if_link.h. */
const vlan = `
  00 00 0100 07000000 43100100 00000000   # AF_UNSPEC, Ethernet, 7, UP|BROADCAST|RUNNING|MULTICAST|LOWER_UP
  0a00 0300 766c616e3500 0000             # IFLA_IFNAME vlan5
  0a00 0100 020000000001 0000             # IFLA_ADDRESS
  0800 0400 dc050000                      # IFLA_MTU 1500
  0800 0500 03000000                      # IFLA_LINK 3
  0800 0a00 09000000                      # IFLA_MASTER 9
  0500 1000 06 000000                     # IFLA_OPERSTATE up
  0500 2100 01 000000                     # IFLA_CARRIER
  1c00 1200                               # IFLA_LINKINFO
    0900 0100 766c616e00 000000           #   IFLA_INFO_KIND vlan
    0b00 0400 62726964676500 00           #   IFLA_INFO_SLAVE_KIND bridge
`;

describe("decodeLink()", () => {
  test("reads an interface", () => {
    expect(decodeLink(messageOf(RTM_NEWLINK, hex(vlan)))).toEqual({
      ok: true,
      value: {
        index: 7,
        name: "vlan5",
        kind: "vlan",
        hardwareType: 1,
        flags: 0x11043,
        isUp: true,
        isLoopback: false,
        isWithoutArp: false,
        hasCarrier: true,
        operationalState: "up",
        mac: "02:00:00:00:00:01",
        mtu: 1500,
        masterIndex: 9,
        portKind: "bridge",
        lowerIndex: 3,
      },
    });
  });

  test("reads one of which little is said", () => {
    const bytes = hex(
      "00 00 0403 01000000 08000000 00000000  0700 0300 6c6f00 00 0800050000000000",
    );
    expect(decodeLink(messageOf(RTM_DELLINK, bytes))).toEqual({
      ok: true,
      value: {
        index: 1,
        name: "lo",
        kind: undefined,
        hardwareType: 772,
        flags: 8,
        isUp: false,
        isLoopback: true,
        isWithoutArp: false,
        hasCarrier: false,
        operationalState: "unknown",
        mac: "",
        mtu: 0,
        masterIndex: undefined,
        portKind: undefined,
        lowerIndex: undefined,
      },
    });
  });

  test("does not take a port that leaves its bridge for an interface that is gone", () => {
    const bytes = hex(vlan);
    bytes[0] = 7; // AF_BRIDGE
    expect(decodeLink(messageOf(RTM_DELLINK, bytes))).toEqual({ ok: true, value: undefined });
  });

  test("leaves other messages to others", () => {
    expect(decodeLink(messageOf(RTM_NEWADDR, hex(vlan)))).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["truncated", hex(vlan).subarray(0, 15)],
    ["truncated", hex(vlan).subarray(0, 20)],
    ["missing", hex(vlan).subarray(0, 16)],
    ["bad-length", hex("00000100 07000000 00000000 00000000 0500 0400 01 000000")],
  ] as const)("says that it is %s", (fault, bytes) => {
    expect(decodeLink(messageOf(RTM_NEWLINK, bytes))).toEqual({ ok: false, fault });
  });
});

test("encodeLinkHead() says which flags are meant", () => {
  expect(encodeLinkHead(7, 1, 1)).toEqual(hex("00000000 07000000 01000000 01000000"));
  expect(encodeLinkHead()).toEqual(new Uint8Array(16));
});

test("formatMac() writes two digits a byte", () => {
  expect(formatMac(Uint8Array.of(2, 0, 0xab))).toBe("02:00:ab");
});
