/**
 * One UDP address of a service: takes the clients' datagrams, finds each its flow, answers.
 *
 * Bun does not tell which address a datagram was sent to, so behind a wildcard address the kernel
 * chooses where answers come from; every other address answers itself.
 *
 * @module
 */

import type { udp } from "bun";

import { parseAddress } from "../../net/address.ts";
import type { Endpoint } from "../../net/address.ts";
import type { CloseCause, EngineListener } from "../engine.ts";
import { adoptDatagram } from "./bun-socket.ts";
import type { PortableServer } from "./server.ts";
import type { Client, PortableService } from "./service.ts";
import { UdpFlow } from "./udp-flow.ts";

/** What a listener gets from the engine. */
export interface UdpListenerParts {
  readonly nowMs: () => number;
  readonly tell: EngineListener;
  /** True while the descriptors suffice for one more flow. */
  readonly hasRoom: () => boolean;
  /** Every live flow of the engine. */
  readonly flows: Set<UdpFlow>;
}

/** A bound UDP socket with the flows of its clients. */
export class UdpListener {
  readonly #parts: UdpListenerParts;
  readonly #virtual: Endpoint;
  readonly #flowByKey = new Map<string, UdpFlow>();
  #socket: udp.Socket<"uint8array"> | undefined;
  #isDraining = false;
  service: PortableService;

  constructor(service: PortableService, virtual: Endpoint, parts: UdpListenerParts) {
    this.service = service;
    this.#virtual = virtual;
    this.#parts = parts;
  }

  /** Takes over a bound descriptor. */
  async open(fd: number): Promise<void> {
    this.#socket = await adoptDatagram(fd, {
      // oxlint-disable-next-line max-params -- Bun's signature
      data: (_socket, datagram, port, address) => this.#fromClient(datagram, address, port),
    });
  }

  #fromClient(datagram: Uint8Array, addressText: string, port: number): void {
    const address = parseAddress(addressText.split("%", 1)[0]!);
    if (address === undefined) return;
    const clientKey = `${addressText} ${port}`;
    const { onePacket } = this.service.definition;
    const flow = onePacket ? undefined : this.#flowByKey.get(clientKey);
    (flow ?? this.#begin(clientKey, { address, port }))?.fromClient(datagram);
  }

  #begin(clientKey: string, client: Client): UdpFlow | undefined {
    const { service } = this;
    const refusal = this.#judge(client);
    if (refusal !== undefined) return this.#turnAway(refusal);
    const nowMs = this.#parts.nowMs();
    const server = service.choose(client, { destination: this.#virtual, tried: [], nowMs });
    if (server === undefined) return this.#turnAway("no-server");
    // With one-packet scheduling a client has a flow for each server that it was given to.
    const { onePacket } = service.definition;
    const key = onePacket ? `${clientKey} ${server.role} ${server.key}` : clientKey;
    return this.#flowByKey.get(key) ?? this.#open(key, client, server);
  }

  #judge(client: Client): CloseCause | undefined {
    if (this.#isDraining) return "stopped";
    const refusal = this.service.judge(client);
    if (refusal !== undefined) return refusal;
    const { connectionLimit } = this.service.definition;
    if (connectionLimit > 0 && this.service.active >= connectionLimit) return "connection-limit";
    return this.#parts.hasRoom() ? undefined : "no-descriptors";
  }

  #turnAway(cause: CloseCause): undefined {
    this.service.connections += 1;
    this.service.countClosed(cause);
    return undefined;
  }

  #open(key: string, client: Client, server: PortableServer): UdpFlow {
    const { service } = this;
    const flow = new UdpFlow(
      { key, service, client, virtual: this.#virtual, server },
      {
        nowMs: this.#parts.nowMs,
        answer: (datagram) => this.#answer(flow, datagram),
        onRefused: () => {
          const { name } = service;
          const reason = "ECONNREFUSED";
          this.#parts.tell({
            type: "connect-failed",
            service: name,
            serverKey: server.key,
            reason,
          });
        },
        onClosed: (_flow, cause) => this.#forget(flow, cause),
      },
    );
    this.#flowByKey.set(key, flow);
    this.#parts.flows.add(flow);
    void flow.open(service.nextSource(server));
    return flow;
  }

  #answer(flow: UdpFlow, datagram: Uint8Array): void {
    const { address, port } = flow.client;
    try {
      this.#socket?.send(datagram, port, address);
    } catch {
      // The client's network refuses it (ENETUNREACH, EPERM …): dropped, as on the way there.
    }
  }

  #forget(flow: UdpFlow, cause: CloseCause): void {
    this.#flowByKey.delete(flow.key);
    this.#parts.flows.delete(flow);
    if (!flow.service.definition.connectionLog) return;
    this.#parts.tell({
      type: "connection-closed",
      service: flow.service.name,
      client: flow.clientText,
      serverKey: flow.server.key,
      cause,
      durationMs: Math.round(this.#parts.nowMs() - flow.startedAtMs),
      bytesIn: flow.bytesIn,
      bytesOut: flow.bytesOut,
    });
  }

  /** Takes no new clients; flows go on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends every flow and lets go of the address. */
  close(cause: CloseCause): void {
    for (const flow of this.#flowByKey.values()) flow.close(cause);
    this.#socket?.close();
  }
}
