import { describe, expect, test } from "bun:test";

import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeScoped, openRawReceiver, openRawSender } from "../../../ffi/raw-socket.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { requireRoot } from "../../helpers/require-peer.ts";
import { waitFor } from "../../helpers/wait.ts";

const root = requireRoot();
const loopback = Uint8Array.of(127, 0, 0, 1);
/** For experiments (RFC 3692): nobody listens to it. */
const protocol = 253;
const place = { family: 4, protocol, device: "lo", index: 1 } as const;
const passAll = Uint8Array.of(0x06, 0, 0, 0, 255, 255, 255, 255);
/** "ldb [20]; jeq 7, pass, drop": the first byte behind an IPv4 header. */
const passSeven = Uint8Array.fromHex(
  ["3000000014000000", "1500000107000000", passAll.toHex(), "0600000000000000"].join(""),
);

describe.skipIf(root.skip)(`raw sockets ${root.reason}`.trim(), () => {
  test("what the filter lets through arrives, with TTL 255 and from the address bound", async () => {
    const receiver = openRawReceiver(place, passSeven, undefined);
    const sender = openRawSender(place, loopback);
    const to = encodeScoped(loopback, 1);
    const packet = new Uint8Array(64);
    try {
      for (const first of [6, 7]) {
        const payload = Uint8Array.of(first, 42);
        libc.sendto(sender, addressOf(payload), 2, 0, addressOf(to), to.length);
      }
      const length = await waitFor(
        () => {
          const count = libc.recv(receiver, addressOf(packet), packet.length, 0);
          return count > 0 ? count : undefined;
        },
        { what: "the packet" },
      );
      expect(length).toBe(22);
      expect(packet[8]).toBe(255);
      expect([...packet.subarray(12, 16)]).toEqual([...loopback]);
      expect([...packet.subarray(20, 22)]).toEqual([7, 42]);
      expect(libc.recv(receiver, addressOf(packet), packet.length, 0)).toBe(-1);
    } finally {
      closeDescriptor(receiver);
      closeDescriptor(sender);
    }
  });

  test("an address that the host does not have is refused", () => {
    const foreign = Uint8Array.of(192, 0, 2, 1);
    expect(() => openRawSender(place, foreign)).toThrow("EADDRNOTAVAIL");
  });

  test("a device that is not there is refused", () => {
    const elsewhere = { ...place, device: "nosuchdev0" };
    expect(() => openRawReceiver(elsewhere, passAll, undefined)).toThrow("ENODEV");
  });
});
