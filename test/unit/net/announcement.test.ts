import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { parseAddress } from "../../../src/net/address.ts";
import {
  decodeArpClaim,
  decodeNeighbourClaim,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
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
