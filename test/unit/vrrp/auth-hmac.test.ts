/**
 * The `auth_hmac` trailer, as the source of keepalived 2.4 describes it; no installed keepalived
 * can confirm these bytes.
 */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";

import { appendHmac, createHmacScratch, verifyHmac } from "../../../src/vrrp/auth-hmac.ts";
import {
  createAdvertisement,
  decodeAdvertisement,
  encodeAdvertisement,
  hmacTrailerBytes,
  setAddresses,
} from "../../../src/vrrp/index.ts";
import type { Advertisement, HmacPacket, Mac } from "../../../src/vrrp/index.ts";
import { ipv4 } from "../../helpers/vrrp/packet.ts";

const envelope = ipv4("10.77.0.1", "224.0.0.18");
const keys = new Map([
  [1, Buffer.alloc(32, 0x11)],
  [2, Buffer.alloc(32, 0x22)],
]);
/** What was signed last. */
let signed = "";
const mac: Mac = {
  sign(keyId, data, lengthBytes) {
    const key = keys.get(keyId);
    signed = data.subarray(0, lengthBytes).toHex();
    if (key === undefined) return undefined;
    return createHmac("sha256", key).update(data.subarray(0, lengthBytes)).digest();
  },
};

function signedPacket(keyId = 1): HmacPacket & { advertisement: Advertisement } {
  const advertisement = createAdvertisement(4);
  Object.assign(advertisement, { vrid: 51, priority: 150 });
  setAddresses(advertisement, [Uint8Array.of(10, 77, 0, 100)]);
  const bytes = new Uint8Array(12 + hmacTrailerBytes);
  advertisement.messageBytes = encodeAdvertisement(advertisement, envelope, bytes);
  const packet = { bytes, advertisement, source: envelope.source };
  const scratch = createHmacScratch();
  Object.assign(scratch.stamp, { seconds: 0x6789abcd, subseconds: 0x1234, counter: 0x5678 });
  appendHmac(packet, scratch, { mac, keyId });
  return packet;
}

describe("appendHmac()", () => {
  test("writes the trailer: type, key, stamp, 16 bytes", () => {
    const { bytes } = signedPacket();
    const trailer = bytes.subarray(12).toHex();
    expect(trailer.slice(0, 24)).toBe("010100006789abcd12345678");
    expect(bytes.subarray(0, 12).toHex()).toBe("31339601006442d90a4d0064");
  });

  test("covers a pseudo block, the message without its checksum and the trailer without HMAC", () => {
    signedPacket();
    expect(signed).toBe(
      "04033300" +
        "0a4d0001000000000000000000000000" + // 4, version, VRID, 0, source
        "31339601006400000a4d0064" +
        "010100006789abcd12345678" +
        "00".repeat(16),
    );
  });

  test("writes nothing that counts without the key", () => {
    const packet = signedPacket();
    expect(appendHmac(packet, createHmacScratch(), { mac, keyId: 9 })).toBe(0);
  });
});

describe("verifyHmac()", () => {
  test.each([1, 2])("accepts key %i and reads the stamp", (keyId) => {
    const packet = signedPacket(keyId);
    const out = createAdvertisement(4);
    expect(decodeAdvertisement(packet.bytes, envelope, out)).toEqual({ ok: true });
    const scratch = createHmacScratch();
    expect(verifyHmac({ ...packet, advertisement: out }, scratch, mac)).toBe("accepted");
    expect(scratch.stamp).toEqual({ seconds: 0x6789abcd, subseconds: 0x1234, counter: 0x5678 });
  });

  test.each([
    ["priority", 2, "bad-hmac"],
    ["address", 11, "bad-hmac"],
    ["type of the trailer", 12, "missing-hmac"],
    ["key", 13, "unknown-key"],
    ["reserved byte", 14, "bad-hmac"],
    ["seconds", 16, "bad-hmac"],
    ["counter", 23, "bad-hmac"],
    ["HMAC", 39, "bad-hmac"],
  ] as const)("refuses a changed %s", (_name, offset, expected) => {
    const packet = signedPacket();
    packet.bytes[offset]! ^= 0x80;
    expect(verifyHmac(packet, createHmacScratch(), mac)).toBe(expected);
  });

  test("refuses another sender, and a packet without a trailer", () => {
    const packet = signedPacket();
    const scratch = createHmacScratch();
    const source = Uint8Array.of(10, 77, 0, 9);
    expect(verifyHmac({ ...packet, source }, scratch, mac)).toBe("bad-hmac");
    const bytes = packet.bytes.subarray(0, 12);
    expect(verifyHmac({ ...packet, bytes }, scratch, mac)).toBe("missing-hmac");
  });

  test("does not look at the checksum", () => {
    const packet = signedPacket();
    packet.bytes[6]! ^= 0xff;
    expect(verifyHmac(packet, createHmacScratch(), mac)).toBe("accepted");
  });
});
