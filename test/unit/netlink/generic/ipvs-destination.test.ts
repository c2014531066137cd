import { describe, expect, test } from "bun:test";

import {
  decodeDestination,
  encodeDestination,
  encodeDestinationKey,
  plainTunnel,
} from "../../../../src/netlink/generic/ipvs-destination.ts";
import type { IpvsDestinationSettings } from "../../../../src/netlink/generic/ipvs-destination.ts";
import { encodeAttributes } from "../../../../src/netlink/index.ts";
import { hex, messageOf } from "../../../helpers/fake-kernel.ts";

const key = { address: "192.0.2.11", port: 8080 };
const settings: IpvsDestinationSettings = {
  method: "gate",
  weight: 3,
  upperThreshold: 100,
  lowerThreshold: 50,
  tunnel: plainTunnel,
};

/** By linux/ip_vs.h. */
const keyBytes = `
  1400 0100 c000020b 000000000000000000000000   # ADDR
  0600 0200 1f90 0000                       # PORT 8080, big-endian
  0600 0b00 0200 0000                       # ADDR_FAMILY AF_INET
`;

test("encodeDestinationKey() names a real server", () => {
  expect(encodeAttributes([encodeDestinationKey(key)])).toEqual(hex(`2800 0280 ${keyBytes}`));
});

test("encodeDestination() describes a real server", () => {
  expect(encodeAttributes([encodeDestination(key, settings)])).toEqual(
    hex(`
      4800 0280 ${keyBytes}
      0800 0300 03000000                    # FWD_METHOD direct routing
      0800 0400 03000000                    # WEIGHT
      0800 0500 64000000                    # U_THRESH
      0800 0600 32000000                    # L_THRESH
    `),
  );
});

test("encodeDestination() describes a tunnel", () => {
  const tunnel = { type: "gue", port: 6080, flags: 1 } as const;
  const bytes = encodeAttributes([encodeDestination(key, { ...settings, method: "ipip", tunnel })]);
  expect(bytes.subarray(-24)).toEqual(
    hex(`
      0500 0d00 01 000000                   # TUN_TYPE GUE
      0600 0e00 17c0 0000                   # TUN_PORT, big-endian
      0600 0f00 0100 0000                   # TUN_FLAGS, host order
    `),
  );
});

test.each([
  ["masq", 0],
  ["local", 1],
  ["ipip", 2],
  ["gate", 3],
  ["bypass", 4],
] as const)("the method %s is number %i, both ways", (method, number) => {
  const bytes = encodeAttributes([encodeDestination(key, { ...settings, method })]);
  expect(bytes[44]).toBe(number);
  const answer = messageOf(0x22, [8, 1, 0, 0, ...bytes]);
  expect(decodeDestination(answer, 4)).toMatchObject({ value: { ...key, ...settings, method } });
});

describe("decodeDestination()", () => {
  const read = (text: string, family: 4 | 6 = 4) =>
    decodeDestination(messageOf(0x22, hex(text)), family);

  test("reads counts and narrow counters", () => {
    const text = `
      08 01 0000 8400 0280 ${keyBytes}
      0800 0300 00010000                    # masq; higher bits are the kernel's
      0800 0400 01000000
      0800 0700 05000000                    # ACTIVE_CONNS
      0800 0800 06000000                    # INACT_CONNS
      0800 0900 07000000                    # PERSIST_CONNS
      3400 0a80                             # STATS
        0800 0100 01000000
        0800 0200 02000000
        0800 0300 03000000
        0c00 0400 0400000000000000
        0c00 0500 0500000000000000
    `;
    expect(read(text)).toEqual({
      ok: true,
      value: {
        ...key,
        method: "masq",
        weight: 1,
        upperThreshold: 0,
        lowerThreshold: 0,
        tunnel: plainTunnel,
        activeConnections: 5,
        inactiveConnections: 6,
        persistentConnections: 7,
        stats: {
          connections: 1n,
          inPackets: 2n,
          outPackets: 3n,
          inBytes: 4n,
          outBytes: 5n,
          connectionsPerSecond: 0n,
          inPacketsPerSecond: 0n,
          outPacketsPerSecond: 0n,
          inBytesPerSecond: 0n,
          outBytesPerSecond: 0n,
        },
      },
    });
  });

  test("takes the service's family where the kernel says none", () => {
    const text =
      "08 01 0000 2000 0280 1400 0100 20010db8000000000000000000000011 0600 0200 0035 0000";
    expect(read(text, 6)).toMatchObject({ value: { address: "2001:db8::11", port: 53 } });
  });

  test.each([
    ["truncated", "08 01"],
    ["missing", "08 01 0000"],
    ["missing", "08 01 0000 0400 0280"],
    ["bad-value", `08 01 0000 3000 0280 ${keyBytes} 0800 0300 07000000`],
    ["bad-value", `08 01 0000 3000 0280 ${keyBytes} 0500 0d00 09 000000`],
    ["bad-length", "08 01 0000 0c00 0280 0800 0100 c000020b"],
  ] as const)("says that it is %s", (fault, text) => {
    expect(read(text)).toEqual({ ok: false, fault });
  });
});
