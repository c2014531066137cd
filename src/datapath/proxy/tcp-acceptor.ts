/**
 * Takes client connections from the listeners: lists, limits, PROXY header, then on to a server.
 *
 * @module
 */

import { EPOLLRDHUP } from "../../../ffi/constants/epoll.ts";
import {
  AF_INET,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from "../../../ffi/constants/socket.ts";
import type { Poller } from "../../../ffi/epoll.ts";
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import { addressOffset, encodeSockaddr, sockaddrBytesMax } from "../../../ffi/sockaddr.ts";
import type { Family } from "../../net/address.ts";
import { decodeProxyHeader, proxyV2BytesMax } from "../../net/proxy-protocol.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowTable, Listener } from "./flow-table.ts";
import { processRow, processWord } from "./layout.ts";
import type { TcpCloser } from "./tcp-closer.ts";
import type { TcpConnector } from "./tcp-connector.ts";
import { readEvents } from "./tcp-relay.ts";

/** Connections taken from one listener before other events get their turn. */
const acceptMax = 64;
const acceptFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
const MSG_PEEK = 2;

/** What the acceptor works with: parts of the same worker. */
export interface TcpAcceptorParts {
  readonly table: FlowTable;
  readonly poller: Poller;
  readonly counters: Float64Array;
  readonly closer: TcpCloser;
  readonly connector: TcpConnector;
  readonly nowMs: () => number;
  /** True while the connections of all workers together fit the descriptor limit. */
  readonly hasRoom: () => boolean;
  /** Stops watching the listeners for a moment. */
  readonly pause: (reason: "connections" | "descriptors") => void;
}

/** The acceptor of one worker. */
export class TcpAcceptor {
  readonly #parts: TcpAcceptorParts;
  readonly #sockaddr = new Uint8Array(sockaddrBytesMax);
  readonly #sockaddrAddress = addressOf(this.#sockaddr);
  readonly #length = new Uint32Array(1);
  readonly #lengthAddress = addressOf(this.#length);
  readonly #header = new Uint8Array(proxyV2BytesMax);
  readonly #headerAddress = addressOf(this.#header);

  constructor(parts: TcpAcceptorParts) {
    this.#parts = parts;
  }

  /** Takes what waits at a listener. @returns Number of connections taken. */
  accept(listener: Listener): number {
    const { hasRoom, pause } = this.#parts;
    for (let taken = 0; taken < acceptMax; taken++) {
      if (!hasRoom()) {
        pause("connections");
        return taken;
      }
      this.#length[0] = sockaddrBytesMax;
      const fd = libc.accept4(listener.fd, this.#sockaddrAddress, this.#lengthAddress, acceptFlags);
      if (fd === -1) {
        const reason = errno();
        if (reason === EAGAIN) return taken;
        // A client that gave up while it waited (ECONNABORTED, EPROTO …): the next one.
        if (!isShortage(reason)) continue;
        pause("descriptors");
        return taken;
      }
      this.#begin(fd, listener);
    }
    return acceptMax;
  }

  #begin(fd: number, listener: Listener): void {
    const { table, counters, nowMs } = this.#parts;
    const { service } = listener;
    // TCP_NODELAY is inherited from the listener.
    table.open(fd, kind.tcp, flag.client | flag.noDelay);
    table.services[fd] = service;
    table.listeners[fd] = listener;
    const now = nowMs();
    table.startedAtMs[fd] = now;
    table.activeAtDs[fd] = now / 100;
    service.countAccepted();
    service.addActive(1);
    counters[processRow + processWord.open]! += 1;
    const family: Family = this.#length[0] === 16 ? 4 : 6;
    if (service.acceptProxyFrom?.matches(this.#sockaddr, addressOffset(family), family) === true) {
      table.flags[fd]! |= flag.header;
      this.#parts.poller.add(fd, readEvents, table.generation[fd]!);
      return;
    }
    if (!this.#isWelcome(fd, this.#sockaddr)) return;
    if (service.needsClient) {
      const start = addressOffset(family);
      table.clients.set(fd, {
        address: this.#sockaddr.slice(start, start + (family === 4 ? 4 : 16)),
        port: (this.#sockaddr[2]! << 8) | this.#sockaddr[3]!,
        destination: undefined,
      });
    }
    this.#parts.connector.start(fd, this.#sockaddr, family);
  }

  /** Applies lists and limits to a client at `sockaddr`; ends it if it gets no service. */
  #isWelcome(fd: number, sockaddr: Uint8Array): boolean {
    const { table, closer } = this.#parts;
    const service = table.services[fd]!;
    const isAdmitted = service.admits(sockaddr, sockaddr[0] === AF_INET ? 4 : 6);
    // Its own count is in already.
    if (isAdmitted && !service.isFull(1)) return true;
    closer.closePair(fd, isAdmitted ? "connection-limit" : "denied", true);
    return false;
  }

  /** Something arrived at a client that has to send a PROXY header first. */
  readHeader(fd: number, mask: number): void {
    const { table, closer, connector } = this.#parts;
    const flags = MSG_DONTWAIT | MSG_PEEK;
    const received = libc.recv(fd, this.#headerAddress, this.#header.length, flags);
    if (received === -1 && errno() === EAGAIN) return;
    const decoded =
      received > 0 ? decodeProxyHeader(this.#header.subarray(0, received)) : undefined;
    const mayGrow = received < this.#header.length && (mask & EPOLLRDHUP) === 0;
    if (decoded?.kind === "incomplete" && mayGrow) return;
    if (decoded?.kind !== "header") {
      closer.closePair(fd, "bad-proxy-header", true);
      return;
    }
    libc.recv(fd, this.#headerAddress, decoded.headerBytes, MSG_DONTWAIT);
    table.flags[fd]! &= ~flag.header;
    const { source, destination } = decoded;
    if (source === undefined) {
      // LOCAL or UNKNOWN: the sender speaks for itself, and it is trusted.
      connector.startByPeerName(fd);
      return;
    }
    if (!this.#isWelcome(fd, encodeSockaddr(source.address, source.port))) return;
    table.clients.set(fd, { address: source.address, port: source.port, destination });
    connector.startByClient(fd);
  }
}

/** True for errors that say that descriptors or memory are short, not that the client left. */
function isShortage(reason: number): boolean {
  return reason === EMFILE || reason === ENFILE || reason === ENOBUFS || reason === ENOMEM;
}
