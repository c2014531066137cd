/**
 * UDP of one worker: a flow a client, each with a connected socket towards its real server.
 *
 * A flow ends when it is idle, when its server goes down (the next datagram makes a new one with
 * another server) or when the server refuses. Datagrams that cannot be sent at once are dropped,
 * as the network would.
 *
 * @module
 */

import { EPOLLIN } from "../../../ffi/constants/epoll.ts";
import {
  AF_INET,
  AF_INET6,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../../ffi/constants/socket.ts";
import { DatagramBuffer, datagramBytesMax } from "../../../ffi/datagram.ts";
import type { Poller } from "../../../ffi/epoll.ts";
import { EAGAIN, ECONNREFUSED, errnoName } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { foldAddress, formatAddress, formatEndpoint } from "../../net/address.ts";
import type { Flow } from "../../scheduler/index.ts";
import type { CloseCause, EngineListener } from "../engine.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowTable, Listener } from "./flow-table.ts";
import { clientGarbageBytes } from "./garbage-meter.ts";
import type { GarbageMeter } from "./garbage-meter.ts";
import { processRow, processWord, serverWord } from "./layout.ts";
import type { PersistenceLink } from "./persistence-link.ts";
import { isPortShortage } from "./tcp-connector.ts";
import {
  UdpFlowIndex,
  udpKeyClientWord,
  udpKeyLocalWord,
  udpKeyServerWord,
  udpKeyWords,
} from "./udp-flow-index.ts";
import type { WorkerServer, WorkerService } from "./worker-service.ts";

/** Datagrams taken from one socket before others get their turn. */
const batchMax = 64;
/** How often idle flows are looked for. */
const sweepTickMs = 1000;
/** A flow without an answer is over, for a drain, when it was quiet this long. */
const drainQuietMs = 1000;
const sendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
const noServers: readonly WorkerServer[] = [];

/** What the UDP part works with: parts of the same worker. */
export interface UdpRelayParts {
  readonly table: FlowTable;
  readonly poller: Poller;
  readonly counters: Float64Array;
  readonly persistence: PersistenceLink;
  readonly tell: EngineListener;
  readonly nowMs: () => number;
  readonly hasRoom: () => boolean;
  readonly garbage: GarbageMeter;
}

/** The UDP part of one worker. */
export class UdpRelay {
  readonly #parts: UdpRelayParts;
  #index: UdpFlowIndex | undefined;
  #datagram: DatagramBuffer | undefined;
  readonly #descriptorsMax: number;
  readonly #key = new Uint32Array(udpKeyWords);
  readonly #keyBytes = new Uint8Array(this.#key.buffer, udpKeyClientWord * 4, 28);
  readonly #flow: Flow = { sourceWord: 0, sourcePort: 0, destinationWord: 0, destinationPort: 0 };
  #nextSweepMs = 0;
  #isDraining = false;

  constructor(parts: UdpRelayParts) {
    this.#parts = parts;
    this.#descriptorsMax = parts.table.kind.length;
  }

  /** Made with the first datagram: a director without UDP services pays nothing. */
  get #flows(): UdpFlowIndex {
    this.#index ??= new UdpFlowIndex(this.#descriptorsMax);
    return this.#index;
  }

  get #buffer(): DatagramBuffer {
    this.#datagram ??= new DatagramBuffer();
    return this.#datagram;
  }

  /** Datagrams of clients wait. */
  onListener(listener: Listener): void {
    const buffer = this.#buffer;
    for (let turn = 0; turn < batchMax; turn++) {
      const received = buffer.receive(listener.fd);
      if (received === -1) return;
      this.#fromClient(listener, received);
    }
  }

  #fromClient(listener: Listener, bytes: number): void {
    const key = this.#key;
    const { service } = listener;
    key.fill(0);
    key[0] = listener.fd;
    key.set(this.#buffer.name, udpKeyClientWord);
    if (listener.isWildcard) key.set(this.#buffer.local, udpKeyLocalWord);
    let tried = noServers;
    // The first try may find that the server refused an earlier datagram; the second is anew.
    for (let attempt = 0; attempt < 2; attempt++) {
      const fd = service.definition.onePacket
        ? this.#openOnePacket(listener)
        : this.#flows.find(key) || this.#openFlow(listener, tried);
      if (fd === 0) return;
      if (libc.send(fd, this.#buffer.dataAddress, bytes, sendFlags) === bytes) {
        this.#count(fd, bytes, true);
        return;
      }
      const reason = errno();
      if (reason !== ECONNREFUSED) return;
      tried = [this.#parts.table.servers[fd]!];
      this.#refused(fd);
    }
  }

  /** One-packet scheduling: each datagram is scheduled, flows are shared by client and server. */
  #openOnePacket(listener: Listener): number {
    const { service } = listener;
    // No persistence: one packet is the opposite of it.
    this.#setFlow(listener);
    const server = service.pick(this.#flow, noServers);
    if (server === undefined) return this.#turnAway(service, "no-server");
    this.#key[udpKeyServerWord] = server.slot + 1;
    const known = this.#flows.find(this.#key);
    if (known !== 0) return known;
    const refusal = this.#judge(service);
    return refusal === undefined ? this.#open(listener, server) : this.#turnAway(service, refusal);
  }

  /** Why a client without a flow gets none; undefined: it may have one. */
  #judge(service: WorkerService): CloseCause | undefined {
    if (!service.admits(this.#keyBytes, this.#isIpv4 ? 4 : 6)) return "denied";
    const isFull = service.isFull(0) || this.#flows.isFull || !this.#parts.hasRoom();
    return isFull ? "connection-limit" : undefined;
  }

  /** @returns Descriptor of a new flow for the key at hand; 0: refused. */
  #openFlow(listener: Listener, tried: readonly WorkerServer[]): number {
    const { service } = listener;
    const refusal = this.#judge(service);
    if (refusal !== undefined) return this.#turnAway(service, refusal);
    const server = this.#pick(listener, tried);
    if (server === undefined) return this.#turnAway(service, "no-server");
    return this.#open(listener, server);
  }

  get #isIpv4(): boolean {
    return (this.#key[udpKeyClientWord]! & 0xffff) === AF_INET;
  }

  #clientBytes(): Uint8Array {
    return this.#isIpv4 ? this.#keyBytes.slice(4, 8) : this.#keyBytes.slice(8, 24);
  }

  #turnAway(service: WorkerService, cause: CloseCause): 0 {
    service.countAccepted();
    service.countClosed(cause);
    return 0;
  }

  #pick(listener: Listener, tried: readonly WorkerServer[]): WorkerServer | undefined {
    const { service } = listener;
    const { persistence } = this.#parts;
    this.#setFlow(listener);
    if (service.definition.persistence === undefined) return service.pick(this.#flow, tried);
    const pick = (): WorkerServer | undefined => service.pick(this.#flow, tried);
    return persistence.acquire(service, this.#clientBytes(), { tried, pick });
  }

  /** Says who asks whom, for the schedulers. */
  #setFlow(listener: Listener): void {
    this.#flow.sourceWord = foldAddress(this.#clientBytes());
    this.#flow.sourcePort = (this.#keyBytes[2]! << 8) | this.#keyBytes[3]!;
    this.#flow.destinationWord = listener.addressWord;
    this.#flow.destinationPort = listener.port;
  }

  #open(listener: Listener, server: WorkerServer): number {
    if (this.#isDraining) return this.#turnAway(listener.service, "stopped");
    const { table, poller, counters, nowMs } = this.#parts;
    const { service } = listener;
    const domain = server.family === 4 ? AF_INET : AF_INET6;
    const fd = libc.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd === -1) return this.#turnAway(service, "no-descriptors");
    const sources = server.family === 4 ? service.sourcesIpv4 : service.sourcesIpv6;
    if (sources.length > 0) {
      service.sourceTurn = (service.sourceTurn + 1) % sources.length;
      const source = encodeSockaddr(sources[service.sourceTurn]!, 0);
      libc.bind(fd, addressOf(source), source.length);
    }
    if (libc.connect(fd, server.sockaddrAddress, server.sockaddr.length) === -1) {
      const code = errno();
      libc.close(fd);
      if (isPortShortage(code)) return this.#turnAway(service, "no-local-port");
      const reason = errnoName(code);
      this.#parts.tell({
        type: "connect-failed",
        service: service.name,
        serverKey: server.key,
        reason,
      });
      return this.#turnAway(service, "connect-failed");
    }
    const generation = table.open(fd, kind.udp, flag.client);
    table.services[fd] = service;
    table.servers[fd] = server;
    table.listeners[fd] = listener;
    table.startedAtMs[fd] = nowMs();
    const port = (this.#keyBytes[2]! << 8) | this.#keyBytes[3]!;
    table.clients.set(fd, { address: this.#clientBytes(), port, destination: undefined });
    this.#flows.add(fd, this.#key);
    service.countAccepted();
    service.addActive(1);
    counters[processRow + processWord.open]! += 1;
    counters[server.row + serverWord.active]! += 1;
    counters[server.row + serverWord.connections]! += 1;
    poller.add(fd, EPOLLIN, generation);
    return fd;
  }

  /** Datagrams of a real server wait, or it refused one. */
  onFlow(fd: number, _mask: number): void {
    const { table } = this.#parts;
    const generation = table.generation[fd];
    const address = this.#buffer.dataAddress;
    for (let turn = 0; turn < batchMax; turn++) {
      const received = libc.recv(fd, address, datagramBytesMax, MSG_DONTWAIT);
      if (received === -1) {
        if (errno() !== EAGAIN) this.#refused(fd);
        else if (this.#isDraining) this.#close(fd, "stopped");
        return;
      }
      this.#toClient(fd, received);
      if (table.generation[fd] !== generation) return;
    }
  }

  #toClient(fd: number, bytes: number): void {
    const listener = this.#parts.table.listeners[fd]!;
    const address = this.#flows.clientAddress(fd);
    const start = fd * udpKeyWords;
    const isIpv4 = (this.#flows.keys[start + udpKeyClientWord]! & 0xffff) === AF_INET;
    const length = isIpv4 ? 16 : 28;
    if (listener.isWildcard) {
      const local = this.#flows.keys.subarray(start + udpKeyLocalWord, start + udpKeyServerWord);
      this.#buffer.sendFrom(listener.fd, bytes, { address, length, isIpv4, local });
    } else {
      libc.sendto(listener.fd, this.#buffer.dataAddress, bytes, sendFlags, address, length);
    }
    this.#count(fd, bytes, false);
  }

  #count(fd: number, bytes: number, isIn: boolean): void {
    const { table, counters, nowMs } = this.#parts;
    const { row } = table.servers[fd]!;
    table.activeAtDs[fd] = nowMs() / 100;
    if (isIn) table.bytes[fd]! += bytes;
    else table.bytesBack[fd]! += bytes;
    counters[row + (isIn ? serverWord.packetsIn : serverWord.packetsOut)]! += 1;
    counters[row + (isIn ? serverWord.bytesIn : serverWord.bytesOut)]! += bytes;
  }

  #refused(fd: number): void {
    const { table, counters, tell } = this.#parts;
    const server = table.servers[fd]!;
    counters[server.row + serverWord.connectFailures]! += 1;
    const service = table.services[fd]!.name;
    tell({ type: "connect-failed", service, serverKey: server.key, reason: "ECONNREFUSED" });
    this.#close(fd, "connect-failed");
  }

  #close(fd: number, cause: CloseCause): void {
    const { table, counters, tell, nowMs } = this.#parts;
    const service = table.services[fd]!;
    const server = table.servers[fd]!;
    service.countClosed(cause);
    service.addActive(-1);
    counters[processRow + processWord.open]! -= 1;
    counters[server.row + serverWord.active]! -= 1;
    const info = table.clients.get(fd)!;
    if (!service.definition.onePacket) {
      this.#parts.persistence.release(service, info.address, server);
    }
    if (service.definition.connectionLog) {
      tell({
        type: "connection-closed",
        service: service.name,
        client: formatEndpoint({ address: formatAddress(info.address), port: info.port }),
        serverKey: server.key,
        cause,
        durationMs: Math.round(nowMs() - table.startedAtMs[fd]!),
        bytesIn: table.bytes[fd]!,
        bytesOut: table.bytesBack[fd]!,
      });
    }
    table.clients.delete(fd);
    this.#parts.garbage.add(clientGarbageBytes);
    this.#flows.remove(fd);
    libc.close(fd);
    table.clear(fd);
  }

  /** Ends every flow of `server`; their next datagrams find another one. */
  closeAllOf(server: WorkerServer): void {
    const cause = server.isListed ? "server-down" : "server-removed";
    this.#closeWhere((fd) => this.#parts.table.servers[fd] === server, cause);
  }

  /** Ends every flow of `service`. */
  closeService(service: WorkerService, cause: CloseCause): void {
    this.#closeWhere((fd) => this.#parts.table.services[fd] === service, cause);
  }

  #closeWhere(isMeant: (fd: number) => boolean, cause: CloseCause): void {
    const { table } = this.#parts;
    for (let fd = 0; fd < table.end; fd++) {
      if (table.kind[fd] === kind.udp && isMeant(fd)) this.#close(fd, cause);
    }
  }

  /** Takes no new flows from now on; those there are end with their next answer. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Ends flows that were quiet for too long. */
  tick(nowMs: number): void {
    if (this.#index === undefined || nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + sweepTickMs;
    const { table } = this.#parts;
    this.#closeWhere((fd) => {
      const { udpIdleMs } = table.services[fd]!.definition.timeouts;
      const limitMs = this.#isDraining ? Math.min(udpIdleMs, drainQuietMs) : udpIdleMs;
      return nowMs - table.activeAtDs[fd]! * 100 >= limitMs;
    }, "idle-timeout");
  }
}
