/**
 * Encoding: the same bytes that keepalived sends for the same fields.
 */
import { describe, expect, test } from "bun:test";

import { encodeAdvertisement } from "../../../src/vrrp/encode.ts";
import { createAdvertisement, messageBytesOf, setAddresses } from "../../../src/vrrp/index.ts";
import type { Advertisement } from "../../../src/vrrp/index.ts";
import { goldenPackets, ipv4 } from "../../helpers/vrrp/packet.ts";

const multicast = ipv4("10.77.0.1", "224.0.0.18");

function sample(fields: Partial<Advertisement> = {}): Advertisement {
  const advertisement = { ...createAdvertisement(4), vrid: 51, priority: 150, ...fields };
  setAddresses(advertisement, [Uint8Array.of(10, 77, 0, 100)]);
  return advertisement;
}

describe("encodeAdvertisement()", () => {
  test.each(goldenPackets)("writes %s", (_name, { hex, family, envelope, fields, addresses }) => {
    const advertisement = Object.assign(createAdvertisement(family), fields);
    setAddresses(
      advertisement,
      addresses.map((address) => Uint8Array.fromHex(address)),
    );
    const out = new Uint8Array(100).fill(0xaa);
    const length = encodeAdvertisement(advertisement, envelope, out);
    expect(out.subarray(0, length).toHex()).toBe(hex);
    expect(out[length]).toBe(0xaa);
  });

  test("writes the checksum of RFC 9568 when told to", () => {
    const out = new Uint8Array(12);
    encodeAdvertisement(sample({ dialect: "message" }), multicast, out);
    expect(out.toHex()).toBe("3133960100642db60a4d0064");
  });

  test("writes 200 addresses", () => {
    const advertisement = sample();
    const addresses = Array.from({ length: 200 }, (_, index) => Uint8Array.of(10, 78, 0, index));
    setAddresses(advertisement, addresses);
    const out = new Uint8Array(1500);
    expect(encodeAdvertisement(advertisement, multicast, out)).toBe(808);
    expect(out[3]).toBe(200);
    expect(out.subarray(804, 808).toHex()).toBe("0a4e00c7");
  });

  test.each([
    ["VRID 0", { vrid: 0 }],
    ["priority 256", { priority: 256 }],
    ["an interval of 0", { intervalMs: 0 }],
    ["an interval between the units", { intervalMs: 15 }],
    ["an interval over 12 bits", { intervalMs: 40_960 }],
    ["version 2 with half a second", { version: 2, intervalMs: 500 }],
    ["version 2 over IPv6", { version: 2, family: 6 }],
  ] as const)("stops at %s, which configuration never lets in", (_name, fields) => {
    const out = new Uint8Array(100);
    expect(() => encodeAdvertisement(sample(fields), multicast, out)).toThrow("Invariant");
  });

  test("stops at a buffer that is too small", () => {
    expect(() => encodeAdvertisement(sample(), multicast, new Uint8Array(11))).toThrow("Invariant");
  });
});

test.each([
  [2, 4, 1, 20],
  [2, 4, 20, 96],
  [3, 4, 255, 1028],
  [3, 6, 2, 40],
] as const)(
  "messageBytesOf() version %i, IPv%i, %i addresses is %i",
  (version, family, count, bytes) => {
    expect(messageBytesOf(version, family, count)).toBe(bytes);
  },
);
