/**
 * One proxied TCP connection: PROXY header, connect with retries, relay, timeouts, end.
 *
 * ```text
 * header ──► connecting ──► relaying ──► closed
 *    (listed clients only)  │  ▲ next server        from every phase on an error
 *                           └──┘
 * ```
 * The client is paused until a server is connected, so trying another server never repeats a
 * byte of the client's.
 *
 * @module
 */

import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  errnoName,
} from "../../../ffi/errno.ts";
import { formatAddress, formatEndpoint, parseAddress } from "../../net/address.ts";
import type { Endpoint } from "../../net/address.ts";
import {
  decodeProxyHeader,
  encodeProxyV1,
  encodeProxyV2,
  proxyV2BytesMax,
} from "../../net/proxy-protocol.ts";
import type { ProxyEndpoint } from "../../net/proxy-protocol.ts";
import type { CloseCause, ConnectionEntry, EngineListener } from "../engine.ts";
import { adoptConnection } from "./bun-socket.ts";
import { dial } from "./dial.ts";
import { Lane } from "./lane.ts";
import type { PortableServer } from "./server.ts";
import type { Client, PortableService } from "./service.ts";
import { sideHandler } from "./side.ts";
import type { ConnectionEvents, Side, SideSocket } from "./side.ts";

/** Servers tried for one client before it is turned away. */
const triesMax = 8;
const noLocalPort = new Set([EADDRNOTAVAIL, EADDRINUSE, EAGAIN]);
const noDescriptors = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/** What a connection gets from its engine. */
export interface TcpConnectionParts {
  /** The engine's clock, ms. */
  readonly nowMs: () => number;
  readonly tell: EngineListener;
  /** True while the descriptors suffice for the connections there are. */
  readonly hasRoom: () => boolean;
  /** Called once when the connection is over, after it has been counted. */
  readonly onClosed: (connection: TcpConnection) => void;
}

/** What a connection begins with. */
export interface Accepted {
  readonly service: PortableService;
  readonly client: Client;
  /** Where the client connected to. */
  readonly virtual: ProxyEndpoint;
}

/** A connection of one client. */
export class TcpConnection implements ConnectionEvents {
  readonly service: PortableService;
  readonly #parts: TcpConnectionParts;
  readonly #clientSocket: SideSocket;
  readonly #toServer = new Lane();
  readonly #toClient = new Lane();
  readonly #tried: PortableServer[] = [];
  readonly #startedAtMs: number;
  #client: Client;
  #virtual: ProxyEndpoint;
  #phase: "header" | "connecting" | "relaying" | "closed" = "header";
  #header = new Uint8Array();
  #server: PortableServer | undefined;
  #serverSide: Side | undefined;
  #serverSocket: SideSocket | undefined;
  #attemptAtMs = 0;
  #activeAtMs: number;
  #firstEnd: "client-closed" | "server-closed" | undefined;
  /** Counted as inactive at the server it was given to. */
  #isInactive = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(accepted: Accepted, socket: SideSocket, parts: TcpConnectionParts) {
    this.service = accepted.service;
    this.#client = accepted.client;
    this.#virtual = accepted.virtual;
    this.#clientSocket = socket;
    this.#parts = parts;
    this.#startedAtMs = parts.nowMs();
    this.#activeAtMs = this.#startedAtMs;
    this.#toServer.attachSource(socket);
  }

  get server(): PortableServer | undefined {
    return this.#server;
  }

  /**
   * Judges the client and goes on; to be called once, when the socket's data is set.
   *
   * @param isThere False if the client has left already.
   */
  start(isThere: boolean): void {
    this.service.connections += 1;
    this.service.active += 1;
    if (!isThere) return this.close("client-reset");
    if (this.service.isOverLimit) return this.close("connection-limit");
    if (!this.#parts.hasRoom()) return this.close("no-descriptors");
    // A peer that speaks for others is judged by the address it brings.
    if (this.service.sendsProxyHeader(this.#client)) return;
    this.#clientSocket.pause();
    this.#admit();
  }

  #admit(): void {
    const refusal = this.service.judge(this.#client);
    if (refusal === undefined) this.#connect();
    else this.close(refusal);
  }

  onData(side: Side, bytes: Uint8Array): void {
    if (this.#isStale(side)) return;
    const { isClient } = side;
    this.#activeAtMs = this.#parts.nowMs();
    if (this.#phase === "header") this.#readHeader(bytes);
    else if (isClient) this.#takeFromClient(bytes);
    else this.#takeFromServer(bytes);
  }

  #takeFromClient(bytes: Uint8Array): void {
    this.#bytesIn += bytes.length;
    // What came before there was a server is counted when there is one.
    if (this.#phase === "relaying") this.#server!.bytesIn += bytes.length;
    this.#toServer.push(bytes);
  }

  #takeFromServer(bytes: Uint8Array): void {
    if (this.#phase === "connecting") this.#established();
    if (this.#phase !== "relaying") return;
    this.#bytesOut += bytes.length;
    this.#server!.bytesOut += bytes.length;
    this.#toClient.push(bytes);
  }

  #readHeader(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#header.length + bytes.length);
    all.set(this.#header);
    all.set(bytes, this.#header.length);
    const decoded = decodeProxyHeader(all);
    if (decoded.kind === "incomplete" && all.length < proxyV2BytesMax) {
      this.#header = all;
      return;
    }
    if (decoded.kind !== "header") return this.close("bad-proxy-header");
    this.#header = new Uint8Array();
    if (decoded.source !== undefined && decoded.destination !== undefined) {
      this.#client = decoded.source;
      this.#virtual = decoded.destination;
    }
    this.#phase = "connecting";
    this.#clientSocket.pause();
    const rest = all.subarray(decoded.headerBytes);
    if (rest.length > 0) this.#takeFromClient(rest);
    this.#admit();
  }

  #connect(): void {
    this.#phase = "connecting";
    const nowMs = this.#parts.nowMs();
    const destination = endpointOf(this.#virtual);
    const options = { destination, tried: this.#tried, nowMs };
    const isSpent = this.#tried.length >= triesMax;
    const server = isSpent ? undefined : this.service.choose(this.#client, options);
    if (server === undefined) {
      return this.close(this.#tried.length > 0 ? "connect-failed" : "no-server");
    }
    this.#attemptAtMs = nowMs;
    this.#server = server;
    this.#isInactive = false;
    server.activeConnections += 1;
    this.service.begin(this.#client, server, nowMs);
    const { timeouts } = this.service.definition;
    const sourceText = this.service.nextSource(server);
    const source = sourceText === undefined ? undefined : parseAddress(sourceText);
    const dialed = dial({ address: server.addressBytes, port: server.port, source, timeouts });
    if (!dialed.ok) return this.#notDialed(dialed.errno);
    this.#serverSide = { connection: this, isClient: false };
    adoptConnection(dialed.fd, this.#serverSide, sideHandler);
  }

  onServerOpen(socket: SideSocket): void {
    this.#serverSocket = socket;
  }

  /** True for the socket of an earlier attempt, and once all is over. */
  #isStale(side: Side): boolean {
    return this.#phase === "closed" || (!side.isClient && side !== this.#serverSide);
  }

  #notDialed(errno: number): void {
    if (noDescriptors.has(errno)) return this.close("no-descriptors");
    if (noLocalPort.has(errno)) return this.close("no-local-port");
    this.#failed(errnoName(errno), "connect-failed");
  }

  #failed(reason: string, cause: "connect-failed" | "connect-timeout"): void {
    const { service } = this;
    const server = this.#server!;
    const socket = this.#serverSocket;
    server.connectFailures += 1;
    this.#parts.tell({
      type: "connect-failed",
      service: service.name,
      serverKey: server.key,
      reason,
    });
    this.#releaseServer();
    this.#server = undefined;
    this.#serverSide = undefined;
    this.#serverSocket = undefined;
    socket?.terminate();
    this.#tried.push(server);
    const isLast = service.servers.every(
      (other) => other.weight === 0 || this.#tried.includes(other),
    );
    if (isLast) this.close(cause);
    else this.#connect();
  }

  #established(): void {
    const server = this.#server;
    const socket = this.#serverSocket;
    if (server === undefined || socket === undefined) return;
    this.#phase = "relaying";
    this.#activeAtMs = this.#parts.nowMs();
    server.connections += 1;
    server.bytesIn += this.#bytesIn;
    if (this.#firstEnd !== undefined) this.#becomeInactive();
    const header = this.#proxyHeader();
    if (header !== undefined) this.#toServer.prepend(header);
    this.#toClient.attachSource(socket);
    this.#toClient.attachSink(this.#clientSocket);
    this.#toServer.attachSink(socket);
  }

  #proxyHeader(): Uint8Array | undefined {
    const { sendProxy } = this.service.definition;
    if (sendProxy === "off") return undefined;
    const ends = { source: this.#client, destination: this.#virtual };
    return sendProxy === "v1" ? encodeProxyV1(ends) : encodeProxyV2(ends);
  }

  onWritable(side: Side): void {
    if (this.#isStale(side)) return;
    const { isClient } = side;
    if (this.#phase === "connecting" && !isClient) this.#established();
    if (this.#phase !== "relaying") return;
    this.#activeAtMs = this.#parts.nowMs();
    (isClient ? this.#toClient : this.#toServer).flush();
    this.#closeIfDone();
  }

  onEnd(side: Side): void {
    if (this.#isStale(side)) return;
    const { isClient } = side;
    if (this.#phase === "header") return this.close("bad-proxy-header");
    if (this.#phase === "connecting" && !isClient) this.#established();
    const lane = isClient ? this.#toServer : this.#toClient;
    if (lane.isSourceEnded) return;
    this.#activeAtMs = this.#parts.nowMs();
    if (this.#firstEnd === undefined) {
      this.#firstEnd = isClient ? "client-closed" : "server-closed";
      if (this.#phase === "relaying") this.#becomeInactive();
    }
    lane.end();
    this.#closeIfDone();
  }

  #becomeInactive(): void {
    if (this.#server === undefined || this.#isInactive) return;
    this.#isInactive = true;
    this.#server.activeConnections -= 1;
    this.#server.inactiveConnections += 1;
  }

  #closeIfDone(): void {
    if (this.#phase !== "relaying" || !this.#toServer.isDone || !this.#toClient.isDone) return;
    this.#finish(this.#firstEnd ?? "client-closed");
  }

  onClose(side: Side, error: Error | undefined): void {
    if (this.#isStale(side)) return;
    if (this.#phase === "connecting" && !side.isClient) {
      return this.#failed(codeOf(error) ?? "closed", "connect-failed");
    }
    if (error === undefined) this.onEnd(side);
    else this.close(side.isClient ? "client-reset" : "server-reset");
  }

  /** Ends the connection if its time is up. */
  checkTimeouts(nowMs: number): void {
    const { connectMs, idleMs, halfClosedMs } = this.service.definition.timeouts;
    const quietMs = nowMs - this.#activeAtMs;
    if (this.#phase === "header") {
      if (nowMs - this.#startedAtMs >= connectMs) this.close("bad-proxy-header");
    } else if (this.#phase === "connecting") {
      if (nowMs - this.#attemptAtMs >= connectMs) this.#failed("timeout", "connect-timeout");
    } else if (this.#firstEnd !== undefined && quietMs >= halfClosedMs) {
      this.close("half-closed-timeout");
    } else if (quietMs >= idleMs) this.close("idle-timeout");
  }

  /** Ends both sides by a reset. Does nothing once the connection is over. */
  close(cause: CloseCause): void {
    if (this.#phase === "closed") return;
    this.#finish(cause);
    this.#clientSocket.terminate();
    this.#serverSocket?.terminate();
  }

  #finish(cause: CloseCause): void {
    this.#phase = "closed";
    this.#releaseServer();
    this.service.active -= 1;
    this.service.countClosed(cause);
    this.#parts.onClosed(this);
    if (!this.service.definition.connectionLog) return;
    this.#parts.tell({
      type: "connection-closed",
      service: this.service.name,
      client: formatEndpoint(endpointOf(this.#client)),
      serverKey: this.#server?.key ?? "",
      cause,
      durationMs: Math.round(this.#parts.nowMs() - this.#startedAtMs),
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }

  /** Takes the connection off the counters of the server it was given to, if any. */
  #releaseServer(): void {
    if (this.#server === undefined) return;
    if (this.#isInactive) this.#server.inactiveConnections -= 1;
    else this.#server.activeConnections -= 1;
    this.service.end(this.#client, this.#server, this.#parts.nowMs());
  }

  /** State in the words of `ipvsadm -L -c`. */
  describe(nowMs: number): ConnectionEntry {
    const { connectMs, idleMs, halfClosedMs } = this.service.definition.timeouts;
    const isRelaying = this.#phase === "relaying";
    const isHalfClosed = this.#firstEnd !== undefined;
    const limitMs = isRelaying ? (isHalfClosed ? halfClosedMs : idleMs) : connectMs;
    const sinceMs = isRelaying ? this.#activeAtMs : Math.max(this.#attemptAtMs, this.#startedAtMs);
    const state = isHalfClosed ? "FIN_WAIT" : "ESTABLISHED";
    return {
      service: this.service.name,
      protocol: "tcp",
      client: endpointOf(this.#client),
      virtual: endpointOf(this.#virtual),
      server: { address: this.#server?.address ?? "0.0.0.0", port: this.#server?.port ?? 0 },
      state: isRelaying ? state : "SYN_RECV",
      expiresMs: Math.max(0, sinceMs + limitMs - nowMs),
    };
  }
}

function endpointOf({ address, port }: ProxyEndpoint): Endpoint {
  return { address: formatAddress(address), port };
}

function codeOf(error: Error | undefined): string | undefined {
  const code: unknown = error !== undefined && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
