import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";

import { PeerMac, peerMessageBytesMax } from "../../../src/peer/index.ts";
import { keysOf } from "../../helpers/peer/channel.ts";

/** A message with one record; returns its length. */
function fill(bytes: Uint8Array): number {
  const length = 116;
  for (let index = 0; index < length; index++) bytes[index] = index;
  return length;
}

describe("PeerMac", () => {
  test("is HMAC-SHA256 as others compute it", () => {
    const keys = keysOf("k");
    const mac = new PeerMac(keys);
    const bytes = new Uint8Array(peerMessageBytesMax);
    const length = fill(bytes);
    const whole = mac.sign(bytes, length);
    const expected = createHmac("sha256", keys[0]!.secret).update(bytes.subarray(0, length));
    expect(bytes.subarray(length, whole).toHex()).toBe(expected.digest("hex"));
    const tag = createHmac("sha256", keys[0]!.secret).update("appliance peer channel key");
    expect(mac.tag).toBe(tag.digest().readUInt32BE(0));
  });

  test("takes a key of 64 bytes", () => {
    const secret = new TextEncoder().encode("x".repeat(64));
    const bytes = new Uint8Array(peerMessageBytesMax);
    new PeerMac([{ id: "", secret }]).sign(bytes, 80);
    const expected = createHmac("sha256", secret).update(new Uint8Array(80)).digest("hex");
    expect(bytes.subarray(80, 112).toHex()).toBe(expected);
  });

  test("refuses a changed byte wherever it is, and a key it does not have", () => {
    const mac = new PeerMac(keysOf("k"));
    const bytes = new Uint8Array(peerMessageBytesMax);
    const length = fill(bytes);
    mac.sign(bytes, length);
    expect(mac.verify(bytes, length, mac.tag)).toBe("accepted");
    for (let index = 0; index < length + 32; index++) {
      bytes[index]! ^= 0x80;
      expect(mac.verify(bytes, length, mac.tag)).toBe("bad-mac");
      bytes[index]! ^= 0x80;
    }
    expect(mac.verify(bytes, length, mac.tag ^ 1)).toBe("unknown-key");
  });
});
