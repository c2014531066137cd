/**
 * One TCP address of a service: accepts clients and makes their connections.
 *
 * @module
 */

import type { SocketListener } from "bun";

import { parseAddress } from "../../net/address.ts";
import { adoptListener } from "./bun-socket.ts";
import type { Client, PortableService } from "./service.ts";
import { sideHandler } from "./side.ts";
import type { Side, SideSocket } from "./side.ts";
import { TcpConnection } from "./tcp-connection.ts";
import type { TcpConnectionParts } from "./tcp-connection.ts";

/** An address as Bun writes it; a zone (`fe80::1%eth0`) is no part of an address here. */
function clientOf(text: string | undefined, port: number): Client | undefined {
  const address = text === undefined ? undefined : parseAddress(text.split("%", 1)[0]!);
  return address === undefined ? undefined : { address, port };
}

/** A listening socket. Its connections outlive it. */
export class TcpListener {
  readonly #listener: SocketListener;
  readonly #parts: TcpConnectionParts;
  readonly #onOpened: (connection: TcpConnection) => void;
  service: PortableService;

  /** Takes over a listening descriptor. */
  constructor(
    fd: number,
    service: PortableService,
    parts: TcpConnectionParts & { readonly onOpened: (connection: TcpConnection) => void },
  ) {
    this.service = service;
    this.#parts = parts;
    this.#onOpened = parts.onOpened;
    const open = (socket: SideSocket): void => this.#accept(socket);
    this.#listener = adoptListener<Side>(fd, { ...sideHandler, open });
  }

  #accept(socket: SideSocket): void {
    const client = clientOf(socket.remoteAddress, socket.remotePort);
    const virtual = clientOf(socket.localAddress, socket.localPort);
    const { service } = this;
    // A client that has left already has no address any more.
    const accepted = {
      service,
      client: client ?? { address: new Uint8Array(4), port: 0 },
      virtual: virtual ?? { address: new Uint8Array(4), port: 0 },
    };
    const connection = new TcpConnection(accepted, socket, this.#parts);
    socket.data = { connection, isClient: true };
    this.#onOpened(connection);
    connection.start(client !== undefined);
  }

  /** Accepts no more. What the kernel has accepted meanwhile is reset. */
  close(): void {
    this.#listener.stop();
  }
}
