/**
 * Specs, targets and servers for the tests of health checks.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { AF_INET, SOCK_STREAM } from "../../ffi/constants/socket.ts";
import { addressOf, libc } from "../../ffi/libc.ts";
import { encodeSockaddr } from "../../ffi/sockaddr.ts";
import { localAddress, openSocket, tryBind } from "../../ffi/socket.ts";
import type { CheckTarget } from "../../src/check/index.ts";
import type { CheckSpec, HttpCheckSpec, ServiceCheckSpec } from "../../src/model/index.ts";

/** A connect check with short times; `changes` over it. */
export function checkSpec(changes: Partial<CheckSpec> = {}): CheckSpec {
  return {
    type: "connect",
    connectsPerNegotiate: 0,
    service: undefined,
    http: undefined,
    command: undefined,
    port: undefined,
    intervalMs: 1000,
    timeoutMs: 500,
    rise: 1,
    fall: 2,
    fastIntervalMs: 100,
    ...changes,
  };
}

/** Fetches `/` over plain HTTP, 200-299 is up; `changes` over it. */
export function httpSpec(changes: Partial<HttpCheckSpec> = {}): HttpCheckSpec {
  return {
    tls: false,
    request: "/",
    method: "GET",
    virtualHost: undefined,
    receive: undefined,
    statuses: [[200, 299]],
    redirectsMax: 0,
    verify: true,
    caFile: undefined,
    serverName: undefined,
    ...changes,
  };
}

/** A negotiate check of http or https. */
export function negotiateSpec(http: HttpCheckSpec, changes: Partial<CheckSpec> = {}): CheckSpec {
  const service = http.tls ? "https" : "http";
  return checkSpec({ type: "negotiate", service, http, ...changes });
}

/** A negotiate check of a service that does not speak HTTP. */
export function serviceSpec(serviceCheck: ServiceCheckSpec): CheckSpec {
  return checkSpec({ type: "negotiate", service: serviceCheck.service, serviceCheck });
}

/** A real server at `address:port` of a virtual service at 192.0.2.100:80. */
export function checkTarget(port: number, changes: Partial<CheckTarget> = {}): CheckTarget {
  return {
    address: "127.0.0.1",
    port,
    host: changes.address ?? "127.0.0.1",
    protocol: "tcp",
    virtualAddress: "192.0.2.100",
    virtualPort: 80,
    sendProxy: "off",
    ...changes,
  };
}

/** A scripted TCP server; connections still open end with it. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** Connections that the program has accepted. */
  accepted(): number;
}

/** Starts a server on loopback that does `onConnection` with each connection. */
export async function startServer(
  onConnection: (socket: Socket) => void,
  host = "127.0.0.1",
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A check that hangs up is what these servers are for.
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(0, host, () => listening.resolve());
  await listening.promise;
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/** Starts a server that answers each first bytes with `answer` and closes. */
export function startAnswering(answer: string | Uint8Array): Promise<ScriptedServer> {
  return startServer((socket) => {
    socket.once("data", () => socket.end(answer));
  });
}

/** An answer with status 200 and this body. */
export function okAnswer(body: string, headers = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** Number of descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** A listener whose accept queue is full: it drops every further handshake. */
export async function startFullServer(): Promise<ScriptedServer> {
  const fd = openSocket(AF_INET, SOCK_STREAM);
  tryBind(fd, encodeSockaddr(Uint8Array.of(127, 0, 0, 1), 0), "loopback");
  libc.listen(fd, 0);
  const { port } = localAddress(fd)!;
  const fillers: number[] = [];
  // With a backlog of 0 the queue takes one; the second handshake shows that it is full.
  for (let index = 0; index < 2; index++) {
    const filler = openSocket(AF_INET, SOCK_STREAM);
    const sockaddr = encodeSockaddr(Uint8Array.of(127, 0, 0, 1), port);
    libc.connect(filler, addressOf(sockaddr), sockaddr.length);
    fillers.push(filler);
  }
  return {
    port,
    accepted: () => 0,
    [Symbol.asyncDispose]() {
      for (const descriptor of [fd, ...fillers]) libc.close(descriptor);
      return Promise.resolve();
    },
  };
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  await using server = await startServer(() => undefined);
  return server.port;
}
