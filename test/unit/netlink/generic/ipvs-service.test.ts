import { describe, expect, test } from "bun:test";

import {
  decodeService,
  encodeService,
  encodeServiceKey,
} from "../../../../src/netlink/generic/ipvs-service.ts";
import type {
  IpvsServiceKey,
  IpvsServiceSettings,
} from "../../../../src/netlink/generic/ipvs-service.ts";
import { encodeAttributes } from "../../../../src/netlink/index.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

const web = {
  type: "address",
  family: 4,
  protocol: "tcp",
  address: "192.0.2.100",
  port: 80,
} as const satisfies IpvsServiceKey;
const plain: IpvsServiceSettings = {
  scheduler: "wlc",
  persistentSeconds: undefined,
  persistentBits: 32,
  isOnePacket: false,
  schedulerFlags: [],
  persistenceEngine: undefined,
};

/** By linux/ip_vs.h. */
const webKey = `
  0600 0100 0200 0000                       # AF AF_INET
  0600 0200 0600 0000                       # PROTOCOL TCP
  1400 0300 c0000264 000000000000000000000000   # ADDR
  0600 0400 0050 0000                       # PORT, big-endian
`;

test("encodeServiceKey() names a service by address", () => {
  expect(encodeAttributes([encodeServiceKey(web)])).toEqual(hex(`3000 0180 ${webKey}`));
});

test("encodeServiceKey() names a service by mark", () => {
  expect(encodeAttributes([encodeServiceKey({ type: "fwmark", family: 6, mark: 7 })])).toEqual(
    hex("1400 0180  0600 0100 0a00 0000  0800 0500 07000000"),
  );
});

test("encodeService() describes a plain service", () => {
  expect(encodeAttributes([encodeService(web, plain)])).toEqual(
    hex(`
      5400 0180 ${webKey}
      0800 0600 776c6300                    # SCHED_NAME wlc
      0c00 0700 00000000 ffffffff           # FLAGS none, all meant
      0800 0800 00000000                    # TIMEOUT
      0800 0900 ffffffff                    # NETMASK 255.255.255.255
    `),
  );
});

test("encodeService() describes everything that a service may have", () => {
  const key = { ...web, family: 6, protocol: "udp", address: "2001:db8::64", port: 53 } as const;
  const settings: IpvsServiceSettings = {
    scheduler: "sh",
    persistentSeconds: 600,
    persistentBits: 64,
    isOnePacket: true,
    schedulerFlags: [1, 2, 3],
    persistenceEngine: "sip",
  };
  expect(encodeAttributes([encodeService(key, settings)])).toEqual(
    hex(`
      5c00 0180
      0600 0100 0a00 0000
      0600 0200 1100 0000
      1400 0300 20010db8000000000000000000000064
      0600 0400 0035 0000
      0700 0600 736800 00
      0800 0b00 73697000                    # PE_NAME sip
      0c00 0700 3d000000 ffffffff           # PERSISTENT | ONEPACKET | SCHED1 | SCHED2 | SCHED3
      0800 0800 58020000
      0800 0900 40000000                    # NETMASK of IPv6: bits
    `),
  );
});

test.each([
  [0, "00000000"],
  [8, "ff000000"],
  [24, "ffffff00"],
  [32, "ffffffff"],
])("encodeService() writes %i bits of IPv4 as a mask", (persistentBits, mask) => {
  const bytes = encodeAttributes([encodeService(web, { ...plain, persistentBits })]);
  expect(bytes.subarray(-4)).toEqual(hex(mask));
});

/** Sets the length of the one nest that follows the head. */
function withLength(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint16(4, bytes.length - 4, true);
  return bytes;
}

describe("decodeService()", () => {
  const read = (text: string) => decodeService(messageOf(0x22, hex(text)));
  const stats = (types: readonly number[], value: (type: number) => string) =>
    types.map((type) => `0c00 ${type.toString(16).padStart(2, "0")}00 ${value(type)}`).join("");
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

  test("reads a service with wide counters", () => {
    const counters = stats(all, (type) => `${type.toString(16).padStart(2, "0")}00000001000000`);
    const text = `
      04 01 0000 0000 0180 ${webKey}
      0800 0600 72720000
      0c00 0700 03000000 ffffffff           # PERSISTENT | HASHED
      0800 0800 58020000
      0800 0900 ffffff00
      0800 0b00 73697000
      0400 0a80                             # STATS, narrow and empty
      7c00 0c80 ${counters}
    `;
    const service = decodeService(messageOf(0x22, withLength(hex(text))));
    expect(service).toEqual({
      ok: true,
      value: {
        key: web,
        scheduler: "rr",
        persistentSeconds: 600,
        persistentBits: 24,
        isOnePacket: false,
        schedulerFlags: [],
        persistenceEngine: "sip",
        stats: {
          connections: 0x1_0000_0001n,
          inPackets: 0x1_0000_0002n,
          outPackets: 0x1_0000_0003n,
          inBytes: 0x1_0000_0004n,
          outBytes: 0x1_0000_0005n,
          connectionsPerSecond: 0x1_0000_0006n,
          inPacketsPerSecond: 0x1_0000_0007n,
          outPacketsPerSecond: 0x1_0000_0008n,
          inBytesPerSecond: 0x1_0000_0009n,
          outBytesPerSecond: 0x1_0000_000an,
        },
      },
    });
  });

  test("reads a service by mark", () => {
    const text = `
      04 01 0000 4000 0180
      0600 0100 0a00 0000
      0800 0500 07000000
      0700 0600 736800 00
      0c00 0700 1c000000 ffffffff           # ONEPACKET | SCHED1 | SCHED2
      0800 0800 00000000
      0800 0900 80000000
    `;
    expect(decodeService(messageOf(0x22, withLength(hex(text))))).toMatchObject({
      ok: true,
      value: {
        key: { type: "fwmark", family: 6, mark: 7 },
        scheduler: "sh",
        persistentSeconds: undefined,
        persistentBits: 128,
        isOnePacket: true,
        schedulerFlags: [1, 2],
        persistenceEngine: undefined,
        stats: { connections: 0n },
      },
    });
  });

  test.each([
    ["truncated", "04 01"],
    ["missing", "04 01 0000"],
    ["bad-value", "04 01 0000 0c00 0180 0600 0100 0700 0000"],
    ["missing", "04 01 0000 0c00 0180 0600 0100 0200 0000"],
    ["truncated", "04 01 0000 0c00 0180 0900 0100 0200 0000"],
    ["bad-length", "04 01 0000 1400 0180 0600 0100 0200 0000 0500 0700 01 000000"],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });
});
