import { expect, test } from "bun:test";

import { AF_INET, IP_PKTINFO, IPPROTO_IP, SOCK_DGRAM } from "../../../ffi/constants/socket.ts";
import { DatagramBuffer } from "../../../ffi/datagram.ts";
import { addressOf } from "../../../ffi/libc.ts";
import { decodeSockaddr, encodeSockaddr } from "../../../ffi/sockaddr.ts";
import {
  closeDescriptor,
  localAddress,
  openSocket,
  setOption,
  tryBind,
} from "../../../ffi/socket.ts";

function openOn(address: Uint8Array): number {
  const fd = openSocket(AF_INET, SOCK_DGRAM);
  setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
  expect(tryBind(fd, encodeSockaddr(address, 0), "loopback")).toBe(true);
  return fd;
}

test("DatagramBuffer tells where a datagram was sent to, and answers from there", () => {
  const server = openOn(Uint8Array.of(0, 0, 0, 0));
  const client = openOn(Uint8Array.of(127, 0, 0, 1));
  try {
    const buffer = new DatagramBuffer();
    const asked = Uint8Array.of(127, 0, 0, 9);
    const to = encodeSockaddr(asked, localAddress(server)!.port);
    buffer.data.set([1, 2, 3]);
    const target = { address: addressOf(to), length: 16, isIpv4: true };
    expect(buffer.sendFrom(client, 3, { ...target, local: new Uint32Array([0, 0, 0, 0]) })).toBe(3);

    expect(buffer.receive(server)).toBe(3);
    expect([...new Uint8Array(buffer.local.buffer, 0, 4)]).toEqual([127, 0, 0, 9]);
    const from = decodeSockaddr(new Uint8Array(buffer.name.buffer))!;
    expect(from.port).toBe(localAddress(client)!.port);

    const back = encodeSockaddr(from.address, from.port);
    const local = Uint32Array.from(buffer.local);
    const answer = { address: addressOf(back), length: 16, isIpv4: true, local };
    expect(buffer.sendFrom(server, 0, answer)).toBe(0);
    expect(buffer.receive(client)).toBe(0);
    expect(decodeSockaddr(new Uint8Array(buffer.name.buffer))!.address).toEqual(asked);
  } finally {
    closeDescriptor(server);
    closeDescriptor(client);
  }
});
