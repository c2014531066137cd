/**
 * The proxy engine: N worker threads, each with its own SO_REUSEPORT listeners and epoll loop.
 *
 * This is the main thread's side: it turns the desired state into orders, owns the listening
 * sockets and the slots of the shared counters, and adds the counters up. No byte of a client
 * passes here.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import { invariant } from "../../errors/index.ts";
import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { commandBytesMax } from "../../thread/index.ts";
import type {
  ApplyProblem,
  BoundClient,
  ConnectionEntry,
  Engine,
  EngineListener,
  SharedListener,
} from "../engine.ts";
import { createPersistenceBuffer, openPersistenceTable } from "../persistence.ts";
import { listBoundClients, takeBoundClients } from "./bound-clients.ts";
import type { BindingService } from "./bound-clients.ts";
import { readCounters, readServer } from "./counters.ts";
import type { CountedService } from "./counters.ts";
import {
  allParts,
  createCounters,
  processRow,
  processWord,
  serversMax,
  servicesMax,
  sumWord,
  writeConnectionsMax,
} from "./layout.ts";
import { ListenerSet } from "./listener-set.ts";
import { SlotPool } from "./slots.ts";
import { WorkerThread } from "./worker-thread.ts";

/** Persistence entries; more clients than that lose the oldest. */
const persistenceEntriesMax = 65_536;
/** Descriptors for everything that is no connection: program, pipes, checks, control. */
const reservedDescriptors = 400;
/** A definition with its slots, which take up to 8 bytes each, must fit one command. */
const definitionBytesMax = commandBytesMax / 2;
/** Served whatever the descriptor limit says; accept(2) then waits for free ones. */
const connectionsMin = 16;
/** How often a drain looks whether the flows have ended. */
const drainTickMs = 50;

/** What the engine needs to start; all of it is fixed for its life. */
export interface ProxyEngineOptions {
  /** Threads, 1 or more. */
  readonly workers: number;
  /** RLIMIT_NOFILE in force. */
  readonly descriptorsMax: number;
  readonly sockmap: boolean;
  readonly listener: EngineListener;
  /** Listening sockets of an earlier process. Undefined: there is none. */
  readonly shared?: readonly SharedListener[] | undefined;
  /** A worker died by a bug: the program must end. Default: throws into the event loop. */
  readonly onCrash?: (error: Error) => void;
}

interface KnownService extends CountedService {
  readonly slot: number;
  /** The definition in force, as JSON, to tell a change. */
  text: string;
  /** Its persistence, as JSON. */
  persistence: string | undefined;
  /** False while a listener could not be opened. */
  isListening: boolean;
  /** By role and key. */
  serverSlots: Map<string, number>;
}

function serverId({ role, key }: ForwardingServer): string {
  return `${role} ${key}`;
}

/** The engine. Made by {@link createProxyEngine}. */
class ProxyEngine implements Engine {
  readonly name = "proxy";
  readonly #counters: SharedArrayBuffer;
  readonly #parts: readonly Float64Array[];
  readonly #persistence: ReturnType<typeof openPersistenceTable>;
  readonly #workers: readonly WorkerThread[];
  readonly #services = new Map<string, KnownService>();
  readonly #listeners: ListenerSet;
  readonly #descriptorsMax: number;
  readonly #serviceSlots = new SlotPool(servicesMax);
  readonly #serverSlots = new SlotPool(serversMax);
  #closing: Promise<void> | undefined;

  constructor(options: ProxyEngineOptions) {
    const { workers, descriptorsMax, sockmap, listener, shared, onCrash } = options;
    this.#counters = createCounters(workers);
    this.#parts = allParts(this.#counters);
    const persistence = createPersistenceBuffer(persistenceEntriesMax);
    this.#persistence = openPersistenceTable(persistence);
    this.#descriptorsMax = descriptorsMax;
    this.#workers = Array.from(
      { length: workers },
      (_, worker) =>
        new WorkerThread({
          worker,
          counters: this.#counters,
          persistence,
          descriptorsMax,
          sockmap,
          listener,
          onCrash:
            onCrash ??
            ((error) => {
              throw error;
            }),
        }),
    );
    this.#listeners = new ListenerSet(this.#workers, shared);
    this.#limitConnections();
  }

  /** Shares what the listeners leave of the descriptors among client connections, two for each. */
  #limitConnections(): void {
    const free = this.#descriptorsMax - reservedDescriptors - this.#listeners.descriptorCount;
    const connectionsMax = Math.max(connectionsMin, Math.floor(free / 2));
    writeConnectionsMax(this.#counters, connectionsMax);
  }

  async start(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.started));
  }

  refuse(service: ForwardingService): string | undefined {
    const { forwarding } = service;
    if (forwarding === "proxy" || forwarding === "masq") return undefined;
    return `forwarding "${forwarding}" needs a kernel engine; the proxy does "proxy" and "masq"`;
  }

  async apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    const problems: ApplyProblem[] = [];
    const changed = services.filter((service) => this.#define(service, problems));
    for (const service of changed) {
      const known = this.#services.get(service.name)!;
      const found = this.#listeners.provide(service, known.slot);
      known.isListening = found.length === 0;
      problems.push(...found);
    }
    const unwanted = this.#listeners.takeUnwanted(services);
    this.#listeners.letGo(unwanted);
    const names = new Set(services.map(({ name }) => name));
    const removed = [...this.#services.values()].filter(({ name }) => !names.has(name));
    for (const { slot } of removed) this.#order({ type: "remove-service", slot });
    await this.#settled();
    this.#listeners.close(unwanted);
    this.#limitConnections();
    for (const service of removed) this.#forget(service);
    for (const service of changed) this.#retireServers(service);
    return problems;
  }

  #order(order: Parameters<WorkerThread["send"]>[0]): void {
    for (const worker of this.#workers) worker.send(order);
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.settled()));
  }

  /** Tells the workers of a service that is new or changed. @returns True if there is news. */
  #define(service: ForwardingService, problems: ApplyProblem[]): boolean {
    const known = this.#services.get(service.name) ?? this.#introduce(service, problems);
    if (known === undefined) return false;
    const text = JSON.stringify(service);
    if (known.text === text) return !known.isListening;
    if (Buffer.byteLength(text) > definitionBytesMax) {
      const what = "it has too many real servers for one service (about 15,000 fit)";
      const message = `Cannot forward service ${service.name}: ${what}`;
      problems.push({ service: service.name, code: "ENGINE_FULL", message });
      return false;
    }
    if (this.#serverSlots.freeCount < service.servers.length) {
      problems.push(full(service.name, `${serversMax} real servers`));
      return false;
    }
    this.#dropPersistence(known, service);
    const persistence = JSON.stringify(service.persistence);
    // Clients are remembered by their masked address: entries of another mask are of no use.
    if (known.persistence !== persistence) this.#persistence.removeService(known.slot);
    known.persistence = persistence;
    known.text = text;
    const serverSlots = service.servers.map((server) => {
      const id = serverId(server);
      const slot = known.serverSlots.get(id) ?? this.#serverSlots.take();
      invariant(slot !== undefined, "a free slot was counted");
      known.serverSlots.set(id, slot);
      return slot;
    });
    this.#order({ type: "service", definition: { slot: known.slot, service, serverSlots } });
    return true;
  }

  #introduce(service: ForwardingService, problems: ApplyProblem[]): KnownService | undefined {
    const slot = this.#serviceSlots.take();
    if (slot === undefined) {
      problems.push(full(service.name, `${servicesMax} services`));
      return undefined;
    }
    const known: KnownService = {
      name: service.name,
      slot,
      text: "",
      persistence: undefined,
      isListening: false,
      serverSlots: new Map(),
      retired: { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 },
    };
    this.#services.set(service.name, known);
    return known;
  }

  /** A server that may get nothing new must get nothing through persistence either. */
  #dropPersistence(known: KnownService, service: ForwardingService): void {
    if (service.persistence === undefined) return;
    for (const server of service.servers) {
      const slot = known.serverSlots.get(serverId(server));
      const isOut = server.state !== "active" || server.weight === 0;
      if (slot !== undefined && isOut) this.#persistence.removeServer(slot);
    }
  }

  /** Frees the slots of servers that a changed service no longer has. */
  #retireServers(service: ForwardingService): void {
    const known = this.#services.get(service.name)!;
    const ids = new Set(service.servers.map(serverId));
    for (const [id, slot] of known.serverSlots) if (!ids.has(id)) this.#retire(known, id, slot);
  }

  /** Keeps the totals of a removed server in the service and frees its slot. */
  #retire(service: KnownService, id: string, slot: number): void {
    const counted = readServer({ id, slot, persistentEntries: 0 }, this.#parts);
    const { retired } = service;
    retired.bytesIn += counted.bytesIn;
    retired.bytesOut += counted.bytesOut;
    retired.packetsIn += counted.packetsIn;
    retired.packetsOut += counted.packetsOut;
    service.serverSlots.delete(id);
    this.#persistence.removeServer(slot);
    this.#serverSlots.give(slot);
  }

  #forget(service: KnownService): void {
    this.#services.delete(service.name);
    this.#persistence.removeService(service.slot);
    for (const slot of service.serverSlots.values()) this.#serverSlots.give(slot);
    this.#serviceSlots.give(service.slot);
  }

  counters(): ReturnType<Engine["counters"]> {
    const services = [...this.#services.values()];
    const entries = this.#persistence.countByServer(monotonicMs());
    return readCounters(services, this.#parts, (slot) => entries.get(slot) ?? 0);
  }

  async connections(limit: number): Promise<readonly ConnectionEntry[]> {
    const lists = await Promise.all(this.#workers.map((worker) => worker.connections(limit)));
    return lists.flat().slice(0, limit);
  }

  boundClients(withinMs: number, limit: number): readonly BoundClient[] {
    const question = { nowMs: monotonicMs(), withinMs, limit };
    return listBoundClients(this.#persistence, this.#bindings(), question);
  }

  bindClients(clients: readonly BoundClient[]): number {
    return takeBoundClients(this.#persistence, this.#bindings(), { clients, nowMs: monotonicMs() });
  }

  /** Persistent services with the servers that may get something new. */
  #bindings(): BindingService[] {
    return [...this.#services.values()].flatMap(({ name, slot, text, serverSlots }) => {
      if (text === "") return [];
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by #define().
      const { persistence, servers } = JSON.parse(text) as ForwardingService;
      if (persistence === undefined) return [];
      const usable = servers.filter(
        ({ role, state, weight }) => role === "real" && state === "active" && weight > 0,
      );
      const slots = usable.map((one) => [one.key, serverSlots.get(serverId(one))!] as const);
      return [{ name, slot, persistence, servers: new Map(slots) }];
    });
  }

  sharedListeners(): readonly SharedListener[] {
    return this.#listeners.share();
  }

  async setAccepting(isAccepting: boolean): Promise<void> {
    this.#listeners.setAccepting(isAccepting);
    await this.#settled();
  }

  #open(): number {
    return sumWord(this.#parts, processRow + processWord.open);
  }

  close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(timeoutMs, hurry);
    return this.#closing;
  }

  async #close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    const listeners = this.#listeners.takeUnwanted([]);
    const tcp = listeners.filter(({ request }) => request.protocol === "tcp");
    const udp = listeners.filter(({ request }) => request.protocol === "udp");
    this.#listeners.letGo(tcp);
    this.#order({ type: "drain" });
    await this.#settled();
    this.#listeners.close(tcp);
    const endMs = performance.now() + timeoutMs;
    while (this.#open() > 0 && performance.now() < endMs && !hurry.aborted) {
      await Bun.sleep(drainTickMs);
    }
    this.#order({ type: "stop" });
    await this.#settled();
    // Answers of UDP flows went out through their listeners until now.
    this.#listeners.close(udp);
    await Promise.all(this.#workers.map((worker) => worker.exit()));
  }
}

function full(service: string, what: string): ApplyProblem {
  const message = `Cannot add to service ${service}: all ${what} are taken; remove others first`;
  return { service, code: "ENGINE_FULL", message };
}

/** Starts the workers. @returns An engine without services. */
export async function createProxyEngine(options: ProxyEngineOptions): Promise<Engine> {
  const engine = new ProxyEngine(options);
  await engine.start();
  return engine;
}
