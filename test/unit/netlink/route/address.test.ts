import { describe, expect, test } from "bun:test";

import { RTM_DELADDR, RTM_NEWADDR, RTM_NEWLINK } from "../../../../ffi/constants/rtnetlink.ts";
import {
  addressBytes,
  decodeAddress,
  encodeGetAddresses,
  encodeNewAddress,
  encodeOldAddress,
  kernelFamily,
  scopeOf,
} from "../../../../src/netlink/route/address.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

describe("encodeNewAddress()", () => {
  test("writes an IPv4 address with everything", () => {
    const bytes = encodeNewAddress({
      index: 3,
      address: "192.0.2.100",
      prefixBits: 24,
      label: "eth0:1",
      scope: "link",
      protocol: 77,
      noPrefixRoute: true,
      noDad: true,
      preferredSeconds: 0,
      validSeconds: 10,
    });
    expect(bytes).toEqual(
      hex(`
        02 18 00 fd 03000000           # AF_INET /24 scope link, interface 3
        0800 0200 c0000264             # IFA_LOCAL
        0800 0100 c0000264             # IFA_ADDRESS
        0b00 0300 657468303a3100 00    # IFA_LABEL eth0:1
        1400 0600 00000000 0a000000 00000000 00000000   # IFA_CACHEINFO preferred 0, valid 10
        0800 0800 00020000             # IFA_FLAGS NOPREFIXROUTE; NODAD is of IPv6
        0500 0b00 4d 000000            # IFA_PROTO 77
      `),
    );
  });

  test("writes an IPv6 address that needs no duplicate detection", () => {
    const address = "2001:db8::64";
    expect(encodeNewAddress({ index: 2, address, noDad: true })).toEqual(
      hex(`
        0a 80 02 00 02000000           # AF_INET6 /128 NODAD
        1400 0200 20010db8000000000000000000000064
        1400 0100 20010db8000000000000000000000064
        0800 0800 02000000             # IFA_FLAGS NODAD
      `),
    );
  });

  test("writes a lifetime of which only one half is said", () => {
    const bytes = encodeNewAddress({ index: 2, address: "192.0.2.1", validSeconds: 3 });
    expect(bytes.subarray(24)).toEqual(hex("1400 0600 ffffffff 03000000 00000000 00000000"));
  });

  test("refuses a label that the kernel would cut", () => {
    const address = { index: 1, address: "192.0.2.1", label: "a234567890123456" };
    expect(() => encodeNewAddress(address)).toThrow("a label has at most 15 bytes");
  });
});

test("encodeOldAddress() names interface, address and prefix only", () => {
  const address = { index: 3, address: "192.0.2.100", prefixBits: 24, label: "eth0:1" };
  expect(encodeOldAddress(address)).toEqual(hex("02 18 00 00 03000000  0800 0200 c0000264"));
  expect(encodeOldAddress({ index: 3, address: "192.0.2.100" })[1]).toBe(32);
});

test("encodeGetAddresses() asks for one interface or for all", () => {
  expect(encodeGetAddresses(5)).toEqual(hex("00000000 05000000"));
  expect(encodeGetAddresses()).toEqual(hex("00000000 00000000"));
});

describe("decodeAddress()", () => {
  test("reads an IPv4 address", () => {
    const bytes = hex(`
      02 18 80 00 03000000
      0800 0100 c0000264
      0800 0200 c0000264
      0800 0400 c00002ff                # IFA_BROADCAST
      0b00 0300 657468303a3100 00
      0800 0800 80020000                # PERMANENT | NOPREFIXROUTE
      1400 0600 ffffffff ffffffff 01000000 01000000
      0500 0b00 4d 000000
    `);
    expect(decodeAddress(messageOf(RTM_NEWADDR, bytes))).toEqual({
      ok: true,
      value: {
        index: 3,
        family: 4,
        address: "192.0.2.100",
        prefixBits: 24,
        peer: undefined,
        scope: "global",
        label: "eth0:1",
        protocol: 77,
        flags: 0x280,
        isTentative: false,
        isDuplicate: false,
        isDeprecated: false,
        preferredSeconds: undefined,
        validSeconds: undefined,
      },
    });
  });

  test("reads an IPv6 address that is a duplicate and deprecated", () => {
    const bytes = hex(`
      0a 40 68 fd 02000000              # flags only in the head: TENTATIVE|DADFAILED|DEPRECATED
      1400 0100 fe800000000000000000000000000001
      1400 0600 00000000 05000000 01000000 01000000
    `);
    expect(decodeAddress(messageOf(RTM_DELADDR, bytes))).toEqual({
      ok: true,
      value: {
        index: 2,
        family: 6,
        address: "fe80::1",
        prefixBits: 64,
        peer: undefined,
        scope: "link",
        label: undefined,
        protocol: 0,
        flags: 0x68,
        isTentative: true,
        isDuplicate: true,
        isDeprecated: true,
        preferredSeconds: 0,
        validSeconds: 5,
      },
    });
  });

  test("tells an own address from its peer", () => {
    const bytes = hex("02 20 00 00 03000000  0800 0100 c0000202  0800 0200 c0000201");
    expect(decodeAddress(messageOf(RTM_NEWADDR, bytes))).toMatchObject({
      value: { address: "192.0.2.1", peer: "192.0.2.2" },
    });
  });

  test.each([
    ["another message", RTM_NEWLINK, "02 20 00 00 03000000"],
    ["another family", RTM_NEWADDR, "1c 20 00 00 03000000"],
  ])("leaves %s to others", (_name, type, bytes) => {
    expect(decodeAddress(messageOf(type, hex(bytes)))).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["truncated", "02 20 00 00 0300"],
    ["missing", "02 20 00 00 03000000"],
    ["bad-length", "02 20 00 00 03000000 1400 0100 20010db8000000000000000000000064"],
    ["bad-length", "02 20 00 00 03000000 0800 0200 c0000201 0800 0600 00000000"],
  ] as const)("says that it is %s", (fault, bytes) => {
    expect(decodeAddress(messageOf(RTM_NEWADDR, hex(bytes)))).toEqual({ ok: false, fault });
  });
});

test("addressBytes() takes no text that is no address", () => {
  expect(addressBytes("192.0.2.1")).toEqual(Uint8Array.of(192, 0, 2, 1));
  expect(() => addressBytes("web")).toThrow("web is an address");
});

test("scopeOf() and kernelFamily() know the kernel's numbers", () => {
  expect([0, 200, 253, 254, 255, 17].map(scopeOf)).toEqual([
    "global",
    "site",
    "link",
    "host",
    "nowhere",
    "global",
  ]);
  expect([kernelFamily(4), kernelFamily(6)]).toEqual([2, 10]);
});
