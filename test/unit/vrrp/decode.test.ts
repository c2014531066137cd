/**
 * Decoding: packets captured from keepalived 2.2.7, packets computed by hand, and every reason for
 * which one is dropped.
 */
import { describe, expect, test } from "bun:test";

import { messageChecksum, pseudoHeaderSum } from "../../../src/vrrp/checksum.ts";
import { decodeAdvertisement } from "../../../src/vrrp/decode.ts";
import { createAdvertisement } from "../../../src/vrrp/index.ts";
import type { Advertisement, Envelope } from "../../../src/vrrp/index.ts";
import { goldenPackets, ipv4 } from "../../helpers/vrrp/packet.ts";

function decode(hex: string, envelope: Envelope, family: 4 | 6 = 4): [unknown, Advertisement] {
  const out = createAdvertisement(family);
  return [decodeAdvertisement(Uint8Array.fromHex(hex), envelope, out), out];
}

/** RFC 9568 form: the checksum covers the message only. 3133+9601+0064+0a4d+0064 = d249. */
const messageOnly = "3133960100642db60a4d0064";
const multicast = ipv4("10.77.0.1", "224.0.0.18");

describe("decodeAdvertisement()", () => {
  test.each(goldenPackets)("reads %s", (_name, { hex, envelope, family, fields, addresses }) => {
    const [result, out] = decode(hex, envelope, family);
    expect(result).toEqual({ ok: true });
    expect(out).toMatchObject(fields);
    const listBytes = (addresses.length * (family === 4 ? 8 : 32)) / 2;
    expect(out.addresses.subarray(0, listBytes).toHex()).toBe(addresses.join(""));
  });

  test("accepts the checksum of RFC 9568 as well, and says which it was", () => {
    const [result, out] = decode(messageOnly, multicast);
    expect(result).toEqual({ ok: true });
    expect(out.dialect).toBe("message");
  });

  test("ignores the reserved bits", () => {
    // 3133 9601 f064 with the checksum lowered by f000: 42d9 - f000 = 52d8 in one's complement.
    const [result, out] = decode("31339601f06452d80a4d0064", multicast);
    expect(result).toEqual({ ok: true });
    expect(out.intervalMs).toBe(1000);
  });

  test("reads 255 addresses", () => {
    const bytes = new Uint8Array(8 + 255 * 4);
    bytes.set(Uint8Array.of(0x31, 1, 100, 255, 0, 10));
    const checksum = messageChecksum(bytes, bytes.length, pseudoHeaderSum(multicast, bytes.length));
    bytes.set(Uint8Array.of(checksum >> 8, checksum & 0xff), 6);
    const [result, out] = decode(bytes.toHex(), multicast);
    expect(result).toEqual({ ok: true });
    expect(out.addressCount).toBe(255);
  });

  test.each([
    ["nothing", "", "truncated"],
    ["a header cut short", "313396010064db", "truncated"],
    ["a list of addresses cut short", "31339602006442d90a4d0064", "truncated"],
    ["version 2 without its authentication data", "21339601010100000a4d0064", "truncated"],
    ["version 1", "11339601006442d90a4d0064", "bad-version"],
    ["version 4", "41339601006442d90a4d0064", "bad-version"],
    ["type 2", "32339601006442d90a4d0064", "bad-type"],
    ["no address", "31339600006442d9", "no-address"],
    ["bytes after the message that are no trailer", "31339601006442d90a4d006400", "bad-length"],
    ["a flipped bit", "31339701006442d90a4d0064", "bad-checksum"],
    // 42d9 + 0064 = 433d.
    ["an interval of zero", "313396010000433d0a4d0064", "zero-interval"],
  ] as const)("drops %s", (_name, hex, reason) => {
    expect(decode(hex, multicast)[0]).toEqual({ ok: false, reason });
  });

  test("drops version 2 over IPv6", () => {
    const packet = "2133960101010000" + "00".repeat(24);
    expect(decode(packet, multicast, 6)[0]).toEqual({ ok: false, reason: "bad-version" });
  });

  test("drops an IPv6 packet whose checksum leaves the pseudo-header out", () => {
    const [, { hex, envelope }] = goldenPackets.find(([name]) => name.includes("IPv6"))!;
    const bytes = Uint8Array.fromHex(hex);
    bytes.fill(0, 6, 8);
    const checksum = messageChecksum(bytes, bytes.length, 0);
    bytes.set(Uint8Array.of(checksum >> 8, checksum & 0xff), 6);
    const reason = "bad-checksum";
    expect(decode(bytes.toHex(), envelope, 6)[0]).toEqual({ ok: false, reason });
  });
});
