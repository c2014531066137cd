import { describe, expect, test } from "bun:test";

import { IFF_LOOPBACK, IFF_UP } from "../../../ffi/constants/interface.ts";
import {
  decodeInterfaceName,
  encodeInterfaceRequest,
  encodeIpv6Request,
  hardwareAddress,
  interfaceFlags,
  interfaceIndex,
  listIpv4Addresses,
  removeIpv4Alias,
} from "../../../ffi/ioctl-interface.ts";

describe("encodeInterfaceRequest()", () => {
  test("has name, family and address where the kernel looks for them", () => {
    const bytes = encodeInterfaceRequest("lo:0", Uint8Array.of(192, 0, 2, 100));
    expect(bytes).toHaveLength(40);
    // Name 16, family u16 of the host, port u16, address 4.
    expect([...bytes.subarray(0, 5)]).toEqual([0x6c, 0x6f, 0x3a, 0x30, 0]);
    expect([...bytes.subarray(16, 24)]).toEqual([2, 0, 0, 0, 192, 0, 2, 100]);
    expect(decodeInterfaceName(bytes)).toBe("lo:0");
  });

  test.each(["", "sixteen-letters!", "ä".repeat(8)])("refuses the name %p", (name) => {
    expect(() => encodeInterfaceRequest(name)).toThrow(RangeError);
  });

  test("takes a name of 15 bytes", () => {
    expect(decodeInterfaceName(encodeInterfaceRequest("fifteen-letters"))).toBe("fifteen-letters");
  });
});

test("encodeIpv6Request() has address, prefix length and index", () => {
  const address = Uint8Array.from({ length: 16 }, (_, index) => index);
  expect([...encodeIpv6Request(0x0102, address, 128)]).toEqual([
    ...address,
    128,
    0,
    0,
    0,
    2,
    1,
    0,
    0,
  ]);
});

test("lo is number 1, up, a loopback, and has 127.0.0.1/8", () => {
  expect(interfaceIndex("lo")).toBe(1);
  expect(interfaceFlags("lo") & (IFF_UP | IFF_LOOPBACK)).toBe(IFF_UP | IFF_LOOPBACK);
  expect([...hardwareAddress("lo").address]).toEqual([0, 0, 0, 0, 0, 0]);
  const found = listIpv4Addresses().find(({ label }) => label === "lo");
  expect([...found!.address]).toEqual([127, 0, 0, 1]);
  expect([...found!.mask]).toEqual([255, 0, 0, 0]);
});

test("an interface that is not there is an error with its code", () => {
  expect(() => interfaceFlags("nosuch0")).toThrow(expect.objectContaining({ code: "ENODEV" }));
});

test("removeIpv4Alias() takes no whole interface down", () => {
  expect(() => removeIpv4Alias("lo")).toThrow(RangeError);
});
