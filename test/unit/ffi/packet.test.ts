import { expect, test } from "bun:test";

import { ETH_P_ARP } from "../../../ffi/constants/interface.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import { encodeLinkSockaddr, openPacketSocket } from "../../../ffi/packet.ts";

test("encodeLinkSockaddr() without an address is what bind(2) takes", () => {
  const bytes = encodeLinkSockaddr({ etherType: ETH_P_ARP, index: 3 });
  expect([...bytes]).toEqual([
    17,
    0,
    0x08,
    0x06,
    3,
    0,
    0,
    0,
    ...Array.from({ length: 12 }, () => 0),
  ]);
});

test("encodeLinkSockaddr() with one is a destination", () => {
  const hardware = Uint8Array.of(2, 0, 0, 0, 0, 9);
  const bytes = encodeLinkSockaddr({ etherType: ETH_P_ARP, index: 3 }, hardware);
  expect([...bytes.subarray(8)]).toEqual([0, 0, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0]);
});

test("openPacketSocket() tells why it cannot: no such interface, or no right to", () => {
  try {
    openPacketSocket({ etherType: ETH_P_ARP, index: 2_000_000_000 });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(SyscallError);
    expect(["ENODEV", "EPERM"]).toContain((error as SyscallError).code);
  }
});
