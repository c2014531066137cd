/**
 * A worker's view of the virtual services: compiled from the definitions the main thread sends,
 * with the counters that all workers share behind live getters.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc.ts";
import type { Pointer } from "../../../ffi/libc.ts";
import { addressOffset, encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { invariant } from "../../errors/index.ts";
import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { foldAddress, parseAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { compileNetworks } from "../../net/network-list.ts";
import type { NetworkMatcher } from "../../net/network-list.ts";
import { createScheduler } from "../../scheduler/index.ts";
import type { Candidate, Flow, Scheduler, SchedulerClock } from "../../scheduler/index.ts";
import type { CloseCause } from "../engine.ts";
import {
  causeWord,
  serverRow,
  serverRowWords,
  serverWord,
  serviceRow,
  serviceRowWords,
  serviceWord,
  sumWord,
} from "./layout.ts";
import type { SlottedService } from "./protocol.ts";

/** The counters as one worker sees them. */
export interface WorkerCounters {
  /** The part this worker writes. */
  readonly own: Float64Array;
  /** Every worker's part, for sums. */
  readonly all: readonly Float64Array[];
  /** The worker's clock, for schedulers that forget. */
  readonly clock: SchedulerClock;
}

/** A threshold without a lower one lets new connections in again at this part of it. */
const defaultLowerPart = 3 / 4;

function addressBytes(address: string): Uint8Array {
  const bytes = parseAddress(address);
  invariant(bytes !== undefined, `the engine gets addresses, not ${address}`);
  return bytes;
}

/** One real server or fallback of one service, as this worker forwards to it. */
export class WorkerServer implements Candidate {
  readonly key: string;
  readonly slot: number;
  readonly address: string;
  readonly port: number;
  readonly addressWord: number;
  readonly family: Family;
  /** Encoded for connect(2); {@link sockaddrAddress} points into it. */
  readonly sockaddr: Uint8Array;
  readonly sockaddrAddress: Pointer;
  /** First word of this server's counters. */
  readonly row: number;
  readonly #counters: WorkerCounters;
  weight = 0;
  state: ForwardingServer["state"] = "quiescent";
  /** False once the definition no longer has it; its flows are being ended. */
  isListed = true;
  /** When the main thread was last told of a failed connect, in the worker's ms. */
  failureToldAtMs = Number.NEGATIVE_INFINITY;
  #upperThreshold = 0;
  #lowerThreshold = 0;
  #overloaded = false;

  constructor(definition: ForwardingServer, slot: number, counters: WorkerCounters) {
    const bytes = addressBytes(definition.address);
    this.key = definition.key;
    this.slot = slot;
    this.address = definition.address;
    this.port = definition.port;
    this.addressWord = foldAddress(bytes);
    this.family = bytes.length === 4 ? 4 : 6;
    this.sockaddr = encodeSockaddr(bytes, definition.port);
    this.sockaddrAddress = addressOf(this.sockaddr);
    this.row = serverRow(slot);
    this.#counters = counters;
    counters.own.fill(0, this.row, this.row + serverRowWords);
    this.update(definition);
  }

  /** Takes weight, state and thresholds of a newer definition. */
  update(definition: ForwardingServer): void {
    this.state = definition.state;
    this.weight = definition.state === "active" ? definition.weight : 0;
    this.#upperThreshold = definition.upperThreshold;
    this.#lowerThreshold =
      definition.lowerThreshold > 0
        ? definition.lowerThreshold
        : definition.upperThreshold * defaultLowerPart;
  }

  get activeConnections(): number {
    return sumWord(this.#counters.all, this.row + serverWord.active);
  }

  get inactiveConnections(): number {
    return sumWord(this.#counters.all, this.row + serverWord.inactive);
  }

  get isOverloaded(): boolean {
    if (this.#upperThreshold === 0) return false;
    const connections = this.activeConnections + this.inactiveConnections;
    if (connections >= this.#upperThreshold) this.#overloaded = true;
    else if (connections <= this.#lowerThreshold) this.#overloaded = false;
    return this.#overloaded;
  }
}

/** One virtual service, as this worker forwards it. */
export class WorkerService {
  readonly slot: number;
  readonly name: string;
  /** First word of this service's counters. */
  readonly row: number;
  readonly #counters: WorkerCounters;
  definition: ForwardingService;
  scheduler: Scheduler;
  servers: readonly WorkerServer[] = [];
  allow: NetworkMatcher | undefined;
  deny: NetworkMatcher | undefined;
  acceptProxyFrom: NetworkMatcher | undefined;
  sourcesIpv4: readonly Uint8Array[] = [];
  sourcesIpv6: readonly Uint8Array[] = [];
  /** Position in the list of source addresses. */
  sourceTurn = 0;
  /** How many connections have to be remembered with their client: log, persistence. */
  needsClient = false;

  constructor(slotted: SlottedService, counters: WorkerCounters) {
    this.slot = slotted.slot;
    this.name = slotted.service.name;
    this.row = serviceRow(slotted.slot);
    this.#counters = counters;
    counters.own.fill(0, this.row, this.row + serviceRowWords);
    this.definition = slotted.service;
    this.scheduler = createScheduler(slotted.service.scheduler, counters.clock);
    this.update(slotted);
  }

  /**
   * Takes a newer definition.
   *
   * @returns The servers it no longer has, whose flows the caller ends.
   */
  update({ service, serverSlots }: SlottedService): readonly WorkerServer[] {
    if (service.scheduler !== this.scheduler.name) {
      this.scheduler = createScheduler(service.scheduler, this.#counters.clock);
    }
    this.definition = service;
    this.allow = service.allow.length > 0 ? compileNetworks(service.allow) : undefined;
    this.deny = service.deny.length > 0 ? compileNetworks(service.deny) : undefined;
    this.acceptProxyFrom =
      service.acceptProxyFrom.length > 0 ? compileNetworks(service.acceptProxyFrom) : undefined;
    const sources = service.source.map(addressBytes);
    this.sourcesIpv4 = sources.filter((bytes) => bytes.length === 4);
    this.sourcesIpv6 = sources.filter((bytes) => bytes.length === 16);
    this.needsClient = service.connectionLog || service.persistence !== undefined;
    const bySlot = new Map(this.servers.map((server) => [server.slot, server]));
    this.servers = service.servers.map((definition, index) => {
      const slot = serverSlots[index]!;
      const known = bySlot.get(slot);
      if (known === undefined) return new WorkerServer(definition, slot, this.#counters);
      bySlot.delete(slot);
      known.update(definition);
      return known;
    });
    this.scheduler.update(this.servers);
    const gone = [...bySlot.values()];
    for (const server of gone) {
      server.isListed = false;
      server.weight = 0;
    }
    return gone;
  }

  /** The scheduler's choice; never one of `tried`. */
  pick(flow: Flow, tried: readonly WorkerServer[]): WorkerServer | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it picks from `servers`.
    return this.scheduler.pick(flow, tried) as WorkerServer | undefined;
  }

  /** The server with these counters, if the definition still has it. */
  serverBySlot(slot: number): WorkerServer | undefined {
    return this.servers.find((server) => server.slot === slot);
  }

  /** True if the lists let a client in, given as `struct sockaddr`. */
  admits(sockaddr: Uint8Array, family: Family): boolean {
    const offset = addressOffset(family);
    if (this.deny?.matches(sockaddr, offset, family) === true) return false;
    return this.allow?.matches(sockaddr, offset, family) ?? true;
  }

  /** True if all connections are taken; `ownCount` of them are the one that asks. */
  isFull(ownCount: 0 | 1): boolean {
    const { connectionLimit } = this.definition;
    return connectionLimit > 0 && this.activeConnections - ownCount >= connectionLimit;
  }

  /** Connections and flows of all workers. */
  get activeConnections(): number {
    return sumWord(this.#counters.all, this.row + serviceWord.active);
  }

  /** Counts a client connection that was accepted, whatever becomes of it. */
  countAccepted(): void {
    const { own } = this.#counters;
    own[this.row + serviceWord.connections]! += 1;
  }

  /** Counts the end of a connection, or its refusal. */
  countClosed(cause: CloseCause): void {
    this.#counters.own[this.row + causeWord(cause)]! += 1;
  }

  /** Adds to the open connections: 1 or -1. */
  addActive(change: 1 | -1): void {
    this.#counters.own[this.row + serviceWord.active]! += change;
  }
}
