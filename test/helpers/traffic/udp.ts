/**
 * UDP clients and servers of tests, on loopback.
 *
 * @module
 */

import { until } from "./deadline.ts";

/** A datagram as it arrived. */
export interface Datagram {
  readonly bytes: Uint8Array;
  /** Where it came from. */
  readonly address: string;
  readonly port: number;
}

/** A UDP socket of a test with what it received, in order. */
export interface UdpPeer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly received: readonly Datagram[];
  send(data: string | Uint8Array, port: number, address?: string): void;
  /** Waits for datagram number `index`, from 0. */
  datagram(index?: number): Promise<Datagram>;
  /** Waits for datagram number `index`; its text. */
  text(index?: number): Promise<string>;
  close(): void;
}

/** Opens a socket; `onDatagram` may answer. */
export async function openUdpPeer(
  onDatagram: (datagram: Datagram, peer: UdpPeer) => void = () => undefined,
  { address = "127.0.0.1", port = 0 }: { address?: string; port?: number } = {},
): Promise<UdpPeer> {
  const received: Datagram[] = [];
  const socket = await Bun.udpSocket({
    hostname: address,
    port,
    binaryType: "uint8array",
    socket: {
      data(_socket, data, fromPort, fromAddress) {
        const datagram = { bytes: data.slice(), address: fromAddress, port: fromPort };
        received.push(datagram);
        onDatagram(datagram, peer);
      },
      error: () => undefined,
    },
  });
  const datagram = (index = 0): Promise<Datagram> =>
    until(() => received[index], `datagram ${index} arrives`);
  const peer: UdpPeer = {
    address,
    port: socket.port,
    received,
    send(data, toPort, toAddress = "127.0.0.1") {
      socket.send(data, toPort, toAddress);
    },
    datagram,
    text: async (index) => Buffer.from((await datagram(index)).bytes).toString("latin1"),
    close: () => socket.close(),
    [Symbol.asyncDispose]: async () => socket.close(),
  };
  return peer;
}

/** A server that answers each datagram with `name` in front of it; an empty name echoes. */
export function openUdpServer(
  name: string,
  place: { address?: string; port?: number } = {},
): Promise<UdpPeer> {
  const prefix = Buffer.from(name, "latin1");
  return openUdpPeer((datagram, peer) => {
    const answer = Buffer.concat([prefix, datagram.bytes]);
    peer.send(answer, datagram.port, datagram.address);
  }, place);
}
