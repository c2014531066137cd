/**
 * Bun's sockets over descriptors that the director made itself.
 *
 * Bun.listen and Bun.connect offer no IP_FREEBIND, no source address, no TCP_USER_TIMEOUT and no
 * way to give up a connect under way. All of that belongs to the descriptor, so it is set through
 * ffi and Bun takes the descriptor over; `fd` is what node:net's `listen({ fd })` rests on. From
 * then on Bun owns the descriptor and closes it.
 *
 * What Bun's sockets do, which the rest of this folder rests on:
 *
 * - `end()` closes both directions, so only `shutdown()` makes a half-close; `terminate()` resets.
 * - A socket that has been shut down gets no `end` event, but `close` at once.
 * - A paused socket may still deliver what arrived before a reset.
 * - A descriptor whose connect(2) is under way opens at once; `drain` says that it is connected,
 *   `close` with an error that it failed.
 *
 * @module
 */

import type { Socket, SocketHandler, SocketListener, udp } from "bun";

type TcpHandler<Data> = SocketHandler<Data, "uint8array">;

/** Options that Bun takes beside those its types tell of. */
interface DescriptorOptions<Data> {
  readonly fd: number;
  readonly allowHalfOpen: boolean;
  readonly data?: Data;
  readonly socket: TcpHandler<Data>;
}

/* oxlint-disable typescript/no-unsafe-type-assertion -- Bun's types know `fd` for none of the
   three; all take it. */
const listen = Bun.listen as unknown as <Data>(options: DescriptorOptions<Data>) => SocketListener;
const connect = Bun.connect as unknown as <Data>(
  options: DescriptorOptions<Data>,
) => Promise<Socket<Data>>;
const udpSocket = Bun.udpSocket as unknown as (options: {
  readonly fd: number;
  readonly binaryType: "uint8array";
  readonly socket: udp.SocketHandler<"uint8array">;
}) => Promise<udp.Socket<"uint8array">>;
/* oxlint-enable typescript/no-unsafe-type-assertion */

/** Accepts from a listening descriptor. */
export function adoptListener<Data>(fd: number, socket: TcpHandler<Data>): SocketListener {
  return listen<Data>({ fd, allowHalfOpen: true, socket });
}

/** A socket over a descriptor whose connect(2) is under way; `open` is called within the call. */
export function adoptConnection<Data>(fd: number, data: Data, socket: TcpHandler<Data>): void {
  // A failure is told by `close`; the promise would only repeat it.
  connect<Data>({ fd, allowHalfOpen: true, data, socket }).catch(() => undefined);
}

/** A datagram socket over a bound descriptor. */
export function adoptDatagram(
  fd: number,
  socket: udp.SocketHandler<"uint8array">,
): Promise<udp.Socket<"uint8array">> {
  return udpSocket({ fd, binaryType: "uint8array", socket });
}
