/**
 * The two sides of a proxied connection as Bun's sockets carry them, and the callbacks of both.
 *
 * @module
 */

import type { Socket, SocketHandler } from "bun";

/** What a connection wants to hear of its sockets. */
export interface ConnectionEvents {
  /** The socket towards a server is there, its connect under way. */
  onServerOpen(socket: SideSocket): void;
  /** Bytes arrived; valid during the call only. */
  onData(side: Side, bytes: Uint8Array): void;
  /** The socket takes bytes again; the first time for a server, that it is connected. */
  onWritable(side: Side): void;
  /** The last byte of this side has arrived. */
  onEnd(side: Side): void;
  /** The socket is gone; without an error it had been shut down and heard the other's end. */
  onClose(side: Side, error: Error | undefined): void;
}

/** What a socket carries: whose it is, and which side. */
export interface Side {
  readonly connection: ConnectionEvents;
  readonly isClient: boolean;
}

/** A socket of either side. */
export type SideSocket = Socket<Side>;

/** Callbacks of sockets towards servers; those of clients differ in `open`. */
export const sideHandler: SocketHandler<Side, "uint8array"> = {
  binaryType: "uint8array",
  open: (socket) => socket.data.connection.onServerOpen(socket),
  data: (socket, bytes) => socket.data.connection.onData(socket.data, bytes),
  drain: (socket) => socket.data.connection.onWritable(socket.data),
  end: (socket) => socket.data.connection.onEnd(socket.data),
  close: (socket, error) => socket.data.connection.onClose(socket.data, error),
  error: (_socket, error) => {
    // Only a bug gets here: Bun hands over what a callback threw. It must not be swallowed.
    queueMicrotask(() => {
      throw error;
    });
  },
};
