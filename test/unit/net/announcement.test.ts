import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { parseAddress } from "../../../src/net/address.ts";
import {
  decodeArpClaim,
  decodeNeighbourClaim,
  decodeNeighbourMessage,
  encodeArpCheck,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodeNeighbourCheck,
} from "../../../src/net/announcement.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const mac = Uint8Array.of(2, 0, 0, 0xaa, 0xbb, 0xcc);
const address = parseAddress("192.0.2.100")!;
const address6 = parseAddress("2001:db8::100")!;

describe("encodeGratuitousArp", () => {
  test.each([
    ["request", "0001", "000000000000"],
    ["reply", "0002", "ffffffffffff"],
  ] as const)("as a %s", (form, operation, target) => {
    const frame = encodeGratuitousArp(mac, address, form);
    const head = "ffffffffffff020000aabbcc08060001080006 04".replace(" ", "");
    expect(frame.toHex()).toBe(`${head}${operation}020000aabbccc0000264${target}c0000264`);
  });
});

describe("encodeNeighbourAdvertisement", () => {
  test("is accepted by the checksum of RFC 4443", () => {
    const frame = encodeNeighbourAdvertisement(mac, address6, false);
    // Counted by hand: 16-bit words of both addresses, 32, 58 and the message.
    let sum = 32 + 58;
    for (let offset = 22; offset < 86; offset += 2) {
      sum += (frame[offset]! << 8) | frame[offset + 1]!;
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    expect(sum).toBe(0xffff);
  });

  test("goes to all nodes, overrides, and names the router if it is one", () => {
    const frame = encodeNeighbourAdvertisement(mac, address6, true);
    expect(frame.subarray(0, 14).toHex()).toBe("333300000001020000aabbcc86dd");
    expect(frame[21]).toBe(255);
    expect(frame[58]).toBe(0xa0);
    expect(encodeNeighbourAdvertisement(mac, address6, false)[58]).toBe(0x20);
  });
});

test("encodeArpCheck() asks without claiming: its sender is 0.0.0.0", () => {
  const frame = encodeArpCheck(mac, address);
  expect(frame.toHex()).toBe(
    "ffffffffffff020000aabbcc08060001080006040001020000aabbcc00000000000000000000c0000264",
  );
  expect(decodeArpClaim(frame.subarray(14))).toBeUndefined();
});

test("encodeNeighbourCheck() asks as duplicate address detection does", () => {
  const frame = encodeNeighbourCheck(mac, address6);
  expect(frame.subarray(0, 22).toHex()).toBe("3333ff000100020000aabbcc86dd6000000000183aff");
  expect(frame.subarray(22, 54).toHex()).toBe(`${"00".repeat(16)}ff0200000000000000000001ff000100`);
  expect(frame.subarray(54, 56).toHex()).toBe("8700");
  expect(frame.subarray(58).toHex()).toBe(`00000000${address6.toHex()}`);
  // 16-bit words of both addresses, 24, 58 and the message.
  let sum = 24 + 58;
  for (let offset = 22; offset < 78; offset += 2) sum += (frame[offset]! << 8) | frame[offset + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  expect(sum).toBe(0xffff);
  expect(decodeNeighbourClaim(frame.subarray(14))).toBeUndefined();
});

test("decodeNeighbourMessage() takes an advertisement without a MAC address", () => {
  const message = encodeNeighbourAdvertisement(mac, address6, false).subarray(54, 78);
  expect(decodeNeighbourMessage(message)).toEqual({ address: address6, mac: new Uint8Array(6) });
  expect(decodeNeighbourMessage(message.subarray(0, 23))).toBeUndefined();
});

describe("decode", () => {
  test("what was encoded is heard", () => {
    const arp = encodeGratuitousArp(mac, address, "reply").subarray(14);
    expect(decodeArpClaim(arp)).toEqual({ address, mac });
    const advertisement = encodeNeighbourAdvertisement(mac, address6, false).subarray(14);
    expect(decodeNeighbourClaim(advertisement)).toEqual({ address: address6, mac });
  });

  test("a check with sender 0.0.0.0 claims nothing", () => {
    const arp = encodeGratuitousArp(mac, address, "request").subarray(14);
    arp.fill(0, 14, 18);
    expect(decodeArpClaim(arp)).toBeUndefined();
  });

  test("an advertisement that was forwarded claims nothing", () => {
    const packet = encodeNeighbourAdvertisement(mac, address6, false).subarray(14);
    packet[7] = 254;
    expect(decodeNeighbourClaim(packet)).toBeUndefined();
  });

  test("nothing throws, whatever bytes arrive", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      decodeArpClaim(bytes);
      decodeNeighbourClaim(bytes);
    });
    fc.assert(property, { seed, numRuns });
  });
});
