/**
 * One UDP flow: a client and its real server, with a connected socket towards the server.
 *
 * @module
 */

import type { udp } from "bun";

import { formatAddress, formatEndpoint } from "../../net/address.ts";
import type { Endpoint } from "../../net/address.ts";
import type { CloseCause, ConnectionEntry } from "../engine.ts";
import type { PortableServer } from "./server.ts";
import type { Client, PortableService } from "./service.ts";

/** Datagrams kept while the socket is being made; more are dropped, as the network would. */
const waitingMax = 64;
/** A flow without an answer is over, for a drain, when it was quiet this long. */
const drainQuietMs = 1000;

/** What a flow gets from its listener. */
export interface UdpFlowParts {
  readonly nowMs: () => number;
  /** Sends a datagram to the client, from the address that the client asked. */
  readonly answer: (datagram: Uint8Array) => void;
  /** The server refused a datagram (ICMP port unreachable). */
  readonly onRefused: (flow: UdpFlow) => void;
  /** Called once, after the end was counted. */
  readonly onClosed: (flow: UdpFlow, cause: CloseCause) => void;
}

/** What a flow begins with. */
export interface UdpFlowStart {
  /** In the table of its listener. */
  readonly key: string;
  readonly service: PortableService;
  readonly client: Client;
  readonly virtual: Endpoint;
  readonly server: PortableServer;
}

/** A flow. It is counted from its making to {@link close}. */
export class UdpFlow {
  readonly key: string;
  readonly service: PortableService;
  readonly server: PortableServer;
  readonly #start: UdpFlowStart;
  readonly #parts: UdpFlowParts;
  readonly startedAtMs: number;
  #activeAtMs: number;
  #waiting: Uint8Array[] = [];
  #socket: udp.ConnectedSocket<"uint8array"> | undefined;
  #isClosed = false;
  #isAnswered = false;
  bytesIn = 0;
  bytesOut = 0;

  constructor(start: UdpFlowStart, parts: UdpFlowParts) {
    this.#start = start;
    this.#parts = parts;
    this.key = start.key;
    this.service = start.service;
    this.server = start.server;
    this.startedAtMs = parts.nowMs();
    this.#activeAtMs = this.startedAtMs;
    this.service.connections += 1;
    this.service.active += 1;
    this.server.activeConnections += 1;
    this.server.connections += 1;
    this.service.begin(start.client, this.server, this.startedAtMs);
  }

  get client(): Endpoint {
    const { address, port } = this.#start.client;
    return { address: formatAddress(address), port };
  }

  /** Opens the socket; datagrams sent meanwhile wait. */
  async open(source: string | undefined): Promise<void> {
    const { address, port } = this.server;
    const anyAddress = address.includes(":") ? "::" : "0.0.0.0";
    let socket: udp.ConnectedSocket<"uint8array">;
    try {
      socket = await Bun.udpSocket({
        hostname: source ?? anyAddress,
        port: 0,
        binaryType: "uint8array",
        connect: { hostname: address, port },
        socket: {
          data: (_socket, datagram) => this.#fromServer(datagram),
          // A refusal by the server; nothing else is told this way.
          error: () => this.#refused(),
        },
      });
    } catch (error) {
      this.close(causeOf(error));
      return;
    }
    if (this.#isClosed) {
      socket.close();
      return;
    }
    this.#socket = socket;
    for (const datagram of this.#waiting) this.#send(datagram);
    this.#waiting = [];
  }

  /** Takes a datagram of the client; copied if it has to wait. */
  fromClient(datagram: Uint8Array): void {
    this.#activeAtMs = this.#parts.nowMs();
    this.#isAnswered = false;
    this.bytesIn += datagram.length;
    this.server.bytesIn += datagram.length;
    this.server.packetsIn += 1;
    if (this.#socket !== undefined) this.#send(datagram);
    else if (this.#waiting.length < waitingMax) this.#waiting.push(datagram.slice());
  }

  #send(datagram: Uint8Array): void {
    try {
      // What does not fit the socket's buffer is dropped, as the network would.
      this.#socket?.send(datagram);
    } catch (error) {
      // Other errors (EMSGSIZE, ENETUNREACH) concern this datagram only.
      if (codeOf(error) === "ECONNREFUSED") this.#refused();
    }
  }

  #fromServer(datagram: Uint8Array): void {
    if (this.#isClosed) return;
    this.#activeAtMs = this.#parts.nowMs();
    this.#isAnswered = true;
    this.bytesOut += datagram.length;
    this.server.bytesOut += datagram.length;
    this.server.packetsOut += 1;
    this.#parts.answer(datagram);
  }

  #refused(): void {
    if (this.#isClosed) return;
    this.server.connectFailures += 1;
    this.#parts.onRefused(this);
    this.close("connect-failed");
  }

  /** Ends the flow if it was idle too long. */
  checkTimeouts(nowMs: number): void {
    const { udpIdleMs } = this.service.definition.timeouts;
    if (nowMs - this.#activeAtMs >= udpIdleMs) this.close("idle-timeout");
  }

  /** True if a drain need not wait for it: answered, or quiet for a while. */
  isQuiet(nowMs: number): boolean {
    return this.#isAnswered || nowMs - this.#activeAtMs >= drainQuietMs;
  }

  /** Ends the flow. Does nothing once it is over. */
  close(cause: CloseCause): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket?.close();
    this.#waiting = [];
    this.server.activeConnections -= 1;
    this.service.active -= 1;
    this.service.countClosed(cause);
    this.service.end(this.#start.client, this.server, this.#parts.nowMs());
    this.#parts.onClosed(this, cause);
  }

  describe(nowMs: number): ConnectionEntry {
    const { udpIdleMs } = this.service.definition.timeouts;
    return {
      service: this.service.name,
      protocol: "udp",
      client: this.client,
      virtual: this.#start.virtual,
      server: { address: this.server.address, port: this.server.port },
      state: "UDP",
      expiresMs: Math.max(0, this.#activeAtMs + udpIdleMs - nowMs),
    };
  }

  /** `address:port` of the client. */
  get clientText(): string {
    return formatEndpoint(this.client);
  }
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

const causeByCode: Readonly<Record<string, CloseCause>> = {
  EMFILE: "no-descriptors",
  ENFILE: "no-descriptors",
  ENOBUFS: "no-descriptors",
  ENOMEM: "no-descriptors",
  EADDRINUSE: "no-local-port",
  EADDRNOTAVAIL: "no-local-port",
  EAGAIN: "no-local-port",
};

/** Why the socket of a flow could not be made. */
function causeOf(error: unknown): CloseCause {
  return causeByCode[codeOf(error) ?? ""] ?? "connect-failed";
}
