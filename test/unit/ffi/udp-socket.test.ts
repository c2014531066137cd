import { afterEach, describe, expect, test } from "bun:test";

import { EADDRINUSE } from "../../../ffi/errno.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { closeDescriptor, localAddress } from "../../../ffi/socket.ts";
import { countDropped, openFilteredUdp } from "../../../ffi/udp-socket.ts";

/** Load the first byte behind the UDP header; accept "y", drop the rest. */
const onlyY = Uint8Array.fromHex(
  "3000000008000000150000017900000006000000ffffffff0600000000000000",
);
const loopback = { 4: Uint8Array.of(127, 0, 0, 1), 6: new Uint8Array(16).fill(1, 15) };

const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeDescriptor(fd);
});

function openOn(family: 4 | 6, port = 0): number {
  const fd = openFilteredUdp(family, port, onlyY);
  open.push(fd);
  return fd;
}

function send(from: number, text: string, to: Uint8Array): void {
  const bytes = new TextEncoder().encode(text);
  expect(libc.sendto(from, addressOf(bytes), bytes.length, 0, addressOf(to), to.length)).toBe(
    bytes.length,
  );
}

describe("openFilteredUdp()", () => {
  test.each([4, 6] as const)("receives over IPv%d what the filter accepts", (family) => {
    const [fd, sender] = [openOn(family), openOn(family)];
    const to = encodeSockaddr(loopback[family], localAddress(fd)!.port);
    send(sender, "no", to);
    send(sender, "yes", to);
    const buffer = new Uint8Array(16);
    const length = libc.recv(fd, addressOf(buffer), buffer.length, 0);
    expect(new TextDecoder().decode(buffer.subarray(0, length))).toBe("yes");
    expect(libc.recv(fd, addressOf(buffer), buffer.length, 0)).toBe(-1);
    expect(countDropped(fd)).toBe(1);
  });

  test("throws when the port is taken", () => {
    const { port } = localAddress(openOn(4))!;
    expect(() => openOn(4, port)).toThrow(expect.objectContaining({ errno: EADDRINUSE }));
  });
});

test("countDropped() is 0 at first", () => {
  expect(countDropped(openOn(4))).toBe(0);
});
