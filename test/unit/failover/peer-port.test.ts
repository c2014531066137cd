/**
 * The port and its filter on loopback, where 127.0.0.1 is the peer and others are strangers.
 */
import { afterEach, expect, test } from "bun:test";

import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { closeDescriptor, localAddress, openSocket, tryBind } from "../../../ffi/socket.ts";
import { PeerPort } from "../../../src/failover/peer-port.ts";
import { peerMessageBytesMax } from "../../../src/peer/index.ts";
import { ChannelEnd } from "../../helpers/peer/channel.ts";

const peer = Uint8Array.of(127, 0, 0, 1);
const message = new ChannelEnd(1).say();
const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A port that nobody has. */
function createPort(): { readonly port: PeerPort; readonly to: Uint8Array } {
  const fd = openSocket(2, 2);
  tryBind(fd, encodeSockaddr(peer, 0), "a free port");
  const { port: number } = localAddress(fd)!;
  closeDescriptor(fd);
  const port = new PeerPort(peer, number);
  ends.push(() => port.close());
  return { port, to: encodeSockaddr(peer, number) };
}

function sendFrom(source: Uint8Array, to: Uint8Array, bytes: Uint8Array): void {
  const fd = openSocket(2, 2);
  tryBind(fd, encodeSockaddr(source, 0), "a source");
  libc.sendto(fd, addressOf(bytes), bytes.length, 0, addressOf(to), to.length);
  closeDescriptor(fd);
}

function takeAll(port: PeerPort): string[] {
  const taken: string[] = [];
  port.receive((bytes, length, isFromPeer) => {
    taken.push(`${isFromPeer} ${bytes.subarray(0, length).toHex()}`);
  });
  return taken;
}

test("hears the peer, and nobody else", () => {
  const { port, to } = createPort();
  sendFrom(Uint8Array.of(127, 0, 0, 2), to, message);
  sendFrom(peer, to, new TextEncoder().encode("hello, is this the right port?"));
  sendFrom(peer, to, Uint8Array.of(1));
  sendFrom(peer, to, message);
  expect(takeAll(port)).toEqual([`true ${message.toHex()}`]);
  expect(port.dropped()).toBe(3);
  expect(takeAll(port)).toEqual([]);
});

test("sends to the peer's port, which here is its own", () => {
  const { port } = createPort();
  expect(port.send(addressOf(message), message.length)).toBe(true);
  expect(takeAll(port)).toEqual([`true ${message.toHex()}`]);
});

test("what is longer than any message is seen to be longer", () => {
  const { port, to } = createPort();
  const long = new Uint8Array(peerMessageBytesMax + 100);
  long.set(message);
  sendFrom(peer, to, long);
  const lengths: number[] = [];
  port.receive((_bytes, length) => lengths.push(length));
  expect(lengths).toEqual([peerMessageBytesMax + 1]);
});

test("takes a bounded number in one turn", () => {
  const { port, to } = createPort();
  for (let count = 0; count < 300; count++) sendFrom(peer, to, message);
  const first = takeAll(port).length;
  expect(first).toBeLessThanOrEqual(256);
  expect(first + takeAll(port).length + port.dropped()).toBe(300);
});
