/**
 * Finds a real server for a client and connects to it; tries another one when that fails.
 *
 * Nothing is read from the client before a server is connected (a PROXY header apart), so trying
 * again never repeats a byte of the client's.
 *
 * @module
 */

import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from "../../../ffi/constants/epoll.ts";
import {
  AF_INET,
  AF_INET6,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_ERROR,
  SO_KEEPALIVE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_USER_TIMEOUT,
} from "../../../ffi/constants/socket.ts";
import type { Poller } from "../../../ffi/epoll.ts";
import { EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EINPROGRESS, errnoName } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr, sockaddrBytesMax } from "../../../ffi/sockaddr.ts";
import { foldAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import type { Flow } from "../../scheduler/index.ts";
import type { CloseCause, EngineListener } from "../engine.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowTable } from "./flow-table.ts";
import { serverWord } from "./layout.ts";
import type { PersistenceLink } from "./persistence-link.ts";
import { proxyHeaderFor } from "./proxy-header.ts";
import type { TcpCloser } from "./tcp-closer.ts";
import { readEvents } from "./tcp-relay.ts";
import type { TcpRelay } from "./tcp-relay.ts";
import type { WorkerServer, WorkerService } from "./worker-service.ts";

/** Servers tried for one client before it is turned away. */
const triesMax = 8;
/** The main thread hears of failed connects of one server at most this often. */
const failureTellMs = 100;
/** A shortage of local ports that lasts is told this often. */
const portLineMs = 10_000;
const noServers: readonly WorkerServer[] = [];
const one = new Int32Array([1]);
const oneAddress = addressOf(one);

/** What the connector works with: parts of the same worker. */
export interface TcpConnectorParts {
  readonly table: FlowTable;
  readonly poller: Poller;
  readonly counters: Float64Array;
  readonly closer: TcpCloser;
  readonly relay: TcpRelay;
  readonly persistence: PersistenceLink;
  readonly tell: EngineListener;
  readonly nowMs: () => number;
  /** Watches the deadline of a connect. */
  readonly onConnecting: (fd: number, generation: number) => void;
}

/** True if connect(2) failed for want of a port of our own: no server is to blame. */
export function isPortShortage(reason: number): boolean {
  return reason === EADDRNOTAVAIL || reason === EADDRINUSE || reason === EAGAIN;
}

/** The connector of one worker. */
export class TcpConnector {
  readonly #parts: TcpConnectorParts;
  /** Reused: schedulers keep no reference. */
  readonly #flow: Flow = { sourceWord: 0, sourcePort: 0, destinationWord: 0, destinationPort: 0 };
  readonly #sockaddr = new Uint8Array(sockaddrBytesMax);
  readonly #sockaddrAddress = addressOf(this.#sockaddr);
  readonly #length = new Uint32Array(1);
  readonly #lengthAddress = addressOf(this.#length);
  readonly #value = new Int32Array(1);
  readonly #valueAddress = addressOf(this.#value);

  #nextPortLineMs = 0;
  #connectReason = 0;

  constructor(parts: TcpConnectorParts) {
    this.#parts = parts;
  }

  /** Starts with the client's `struct sockaddr` as accept4(2) filled it. */
  start(client: number, sockaddr: Uint8Array, family: Family): void {
    const flow = this.#flow;
    const at = family === 4 ? 4 : 8;
    let word = 0;
    for (let index = at; index < at + (family === 4 ? 4 : 16); index += 4) {
      word ^=
        (sockaddr[index]! << 24) |
        (sockaddr[index + 1]! << 16) |
        (sockaddr[index + 2]! << 8) |
        sockaddr[index + 3]!;
    }
    flow.sourceWord = word >>> 0;
    flow.sourcePort = (sockaddr[2]! << 8) | sockaddr[3]!;
    this.#connect(client, noServers);
  }

  /** Starts with the client the table knows: that of a PROXY header, or of a retry. */
  startByClient(client: number): void {
    const info = this.#parts.table.clients.get(client)!;
    this.#flow.sourceWord = foldAddress(info.address);
    this.#flow.sourcePort = info.port;
    this.#connect(client, this.#parts.table.tried.get(client) ?? noServers);
  }

  /** Starts with the address the socket is connected to. */
  startByPeerName(client: number): void {
    const { table, closer } = this.#parts;
    this.#length[0] = sockaddrBytesMax;
    if (libc.getpeername(client, this.#sockaddrAddress, this.#lengthAddress) === -1) {
      closer.closePair(client, "client-reset", true);
      return;
    }
    const family: Family = this.#length[0] === 16 ? 4 : 6;
    const start = family === 4 ? 4 : 8;
    table.clients.set(client, {
      address: this.#sockaddr.slice(start, start + (family === 4 ? 4 : 16)),
      port: (this.#sockaddr[2]! << 8) | this.#sockaddr[3]!,
      destination: undefined,
    });
    this.startByClient(client);
  }

  #choose(client: number, tried: readonly WorkerServer[]): WorkerServer | undefined {
    const { table, persistence } = this.#parts;
    const service = table.services[client]!;
    const listener = table.listeners[client]!;
    this.#flow.destinationWord = listener.addressWord;
    this.#flow.destinationPort = listener.port;
    if (service.definition.persistence === undefined) return service.pick(this.#flow, tried);
    const { address } = table.clients.get(client)!;
    const pick = (): WorkerServer | undefined => service.pick(this.#flow, tried);
    return persistence.acquire(service, address, { tried, pick });
  }

  #connect(client: number, tried: readonly WorkerServer[]): void {
    const { table, closer } = this.#parts;
    const server = tried.length < triesMax ? this.#choose(client, tried) : undefined;
    if (server === undefined) {
      closer.closePair(client, tried.length > 0 ? "connect-failed" : "no-server", true);
      return;
    }
    const service = table.services[client]!;
    const fd = this.#open(service, server);
    if (fd === -1) {
      closer.closePair(client, "no-descriptors", true);
      return;
    }
    const reason = this.#connectReason;
    this.#attach(client, fd, server);
    if (reason !== 0 && reason !== EINPROGRESS) this.#failed(client, reason);
  }

  /**
   * Begins a connection, from the next source address when one has no port left.
   *
   * @returns Its descriptor, with what connect(2) said in {@link #connectReason}; -1: none left.
   */
  #open(service: WorkerService, server: WorkerServer): number {
    const domain = server.family === 4 ? AF_INET : AF_INET6;
    const sources = server.family === 4 ? service.sourcesIpv4 : service.sourcesIpv6;
    for (let turn = Math.max(1, sources.length); ; turn--) {
      const fd = libc.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd === -1) return -1;
      this.#prepare(fd, service, server);
      const connected = libc.connect(fd, server.sockaddrAddress, server.sockaddr.length);
      this.#connectReason = connected === -1 ? errno() : 0;
      if (this.#connectReason !== EADDRNOTAVAIL || turn <= 1) return fd;
      libc.close(fd);
    }
  }

  /** Options of a socket towards a server. Those of the client's side are the listener's. */
  #prepare(fd: number, service: WorkerService, server: WorkerServer): void {
    const { keepaliveMs, userTimeoutMs } = service.definition.timeouts;
    if (keepaliveMs > 0) {
      libc.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, oneAddress, 4);
      this.#value[0] = Math.max(1, Math.round(keepaliveMs / 1000));
      libc.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, this.#valueAddress, 4);
      libc.setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, this.#valueAddress, 4);
    }
    if (userTimeoutMs > 0) {
      this.#value[0] = userTimeoutMs;
      libc.setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, this.#valueAddress, 4);
    }
    const sources = server.family === 4 ? service.sourcesIpv4 : service.sourcesIpv6;
    if (sources.length === 0) return;
    service.sourceTurn = (service.sourceTurn + 1) % sources.length;
    // The port is chosen at connect(2), by the whole 4-tuple: else 28,000 connections are the end.
    libc.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, oneAddress, 4);
    const source = encodeSockaddr(sources[service.sourceTurn]!, 0);
    libc.bind(fd, addressOf(source), source.length);
  }

  #attach(client: number, fd: number, server: WorkerServer): void {
    const { table, counters, poller, onConnecting, nowMs } = this.#parts;
    const generation = table.open(fd, kind.tcp, flag.connecting | flag.watchesOut);
    table.peer[client] = fd;
    table.peer[fd] = client;
    table.services[fd] = table.services[client];
    table.servers[fd] = server;
    table.servers[client] = server;
    const now = nowMs();
    table.startedAtMs[fd] = now;
    table.activeAtDs[fd] = now / 100;
    counters[server.row + serverWord.active]! += 1;
    poller.add(fd, readEvents | EPOLLOUT, generation);
    onConnecting(fd, generation);
  }

  /** An event at a socket whose connect is under way. */
  onConnecting(fd: number, mask: number): void {
    const { table } = this.#parts;
    const client = table.peer[fd]!;
    if ((mask & (EPOLLERR | EPOLLHUP)) !== 0) {
      this.#length[0] = 4;
      libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#valueAddress, this.#lengthAddress);
      this.#failed(client, this.#value[0]!);
    } else if ((mask & EPOLLOUT) !== 0) this.#established(client, fd, mask);
  }

  /** The deadline of a connect passed. */
  onTimeout(fd: number): void {
    this.#lost(this.#parts.table.peer[fd]!, "connect timed out", "connect-timeout");
  }

  #established(client: number, fd: number, mask: number): void {
    const { table, counters, poller, relay } = this.#parts;
    table.flags[fd]! &= ~flag.connecting;
    const server = table.servers[fd]!;
    counters[server.row + serverWord.connections]! += 1;
    table.tried.delete(client);
    const generation = table.generation[client]!;
    const service = table.services[client]!;
    if (service.definition.sendProxy !== "off") {
      relay.prepend(fd, proxyHeaderFor(table, client));
      if (table.generation[client] !== generation) return;
    }
    relay.pump(client, fd, false);
    if (table.generation[client] !== generation) return;
    // A client that sent a PROXY header is watched already; changing its mask reports it anew.
    if (poller.add(client, readEvents, generation) === -1) {
      poller.modify(client, readEvents, generation);
    }
    if ((mask & EPOLLIN) !== 0) relay.pump(fd, client, true);
  }

  #failed(client: number, reason: number): void {
    if (isPortShortage(reason)) {
      // Our own ports are used up: no other server would help, and this one is not to blame.
      this.#tellLog(client, errnoName(reason));
      this.#parts.closer.closePair(client, "no-local-port", true);
      return;
    }
    this.#lost(client, errnoName(reason), "connect-failed");
  }

  #lost(client: number, reason: string, cause: CloseCause): void {
    const { table, counters, closer, tell, nowMs } = this.#parts;
    const service = table.services[client]!;
    const server = table.servers[client]!;
    counters[server.row + serverWord.connectFailures]! += 1;
    closer.discardServerSide(client);
    if (nowMs() - server.failureToldAtMs >= failureTellMs) {
      server.failureToldAtMs = nowMs();
      tell({ type: "connect-failed", service: service.name, serverKey: server.key, reason });
    }
    const tried = table.tried.get(client) ?? [];
    tried.push(server);
    table.tried.set(client, tried);
    if (cause === "connect-timeout" && this.#nextIsMissing(service, tried)) {
      closer.closePair(client, cause, true);
    } else if (table.clients.has(client)) this.startByClient(client);
    else this.startByPeerName(client);
  }

  #nextIsMissing(service: WorkerService, tried: readonly WorkerServer[]): boolean {
    return service.servers.every((server) => server.weight === 0 || tried.includes(server));
  }

  #tellLog(client: number, reason: string): void {
    const { table, tell, nowMs } = this.#parts;
    if (nowMs() < this.#nextPortLineMs) return;
    this.#nextPortLineMs = nowMs() + portLineMs;
    const service = table.services[client]!.name;
    const text = `service ${service}: no local port left (${reason}): add source addresses`;
    tell({ type: "log", level: "warning", text });
  }
}
