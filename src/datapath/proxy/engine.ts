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
import { closeDescriptor } from "../../../ffi/socket.ts";
import { ApplianceError, invariant } from "../../errors/index.ts";
import type { ForwardingServer, ForwardingService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ApplyProblem, ConnectionEntry, Engine, EngineListener } from "../engine.ts";
import { createPersistenceBuffer, openPersistenceTable } from "../persistence.ts";
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
} from "./layout.ts";
import { openListener, requireFree, setTcpOptions } from "./listener.ts";
import type { ListenRequest } from "./listener.ts";
import { SlotPool } from "./slots.ts";
import { WorkerThread } from "./worker-thread.ts";

/** Persistence entries; more clients than that lose the oldest. */
const persistenceEntriesMax = 65_536;
/** Descriptors for everything that is no connection: program, pipes, checks, control. */
const reservedDescriptors = 400;
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
  /** A worker died by a bug: the program must end. Default: throws into the event loop. */
  readonly onCrash?: (error: Error) => void;
}

interface OpenListener {
  readonly request: ListenRequest;
  /** One socket a worker, in their order. */
  readonly fds: readonly number[];
  service: string;
}

interface KnownService extends CountedService {
  readonly slot: number;
  definition: ForwardingService;
  /** By role and key. */
  serverSlots: Map<string, number>;
}

function serverId({ role, key }: ForwardingServer): string {
  return `${role} ${key}`;
}

/** Every address and port of a service. */
function* requestsOf(service: ForwardingService): Generator<ListenRequest> {
  const { protocol, timeouts } = service;
  for (const { address, portFirst, portLast } of service.listen) {
    for (let port = portFirst; port <= portLast; port++)
      yield { protocol, address, port, timeouts };
  }
}

function listenerKey({ protocol, address, port }: ListenRequest): string {
  return `${protocol} ${formatEndpoint({ address, port })}`;
}

/** The engine. Made by {@link createProxyEngine}. */
class ProxyEngine implements Engine {
  readonly name = "proxy";
  readonly #counters: SharedArrayBuffer;
  readonly #parts: readonly Float64Array[];
  readonly #persistence: ReturnType<typeof openPersistenceTable>;
  readonly #workers: readonly WorkerThread[];
  readonly #services = new Map<string, KnownService>();
  readonly #listeners = new Map<string, OpenListener>();
  readonly #serviceSlots = new SlotPool(servicesMax);
  readonly #serverSlots = new SlotPool(serversMax);
  #closing: Promise<void> | undefined;

  constructor({ workers, descriptorsMax, sockmap, listener, onCrash }: ProxyEngineOptions) {
    this.#counters = createCounters(workers);
    this.#parts = allParts(this.#counters);
    const persistence = createPersistenceBuffer(persistenceEntriesMax);
    this.#persistence = openPersistenceTable(persistence);
    const connectionsMax = Math.max(16, Math.floor((descriptorsMax - reservedDescriptors) / 2));
    this.#workers = Array.from(
      { length: workers },
      (_, worker) =>
        new WorkerThread({
          worker,
          counters: this.#counters,
          persistence,
          descriptorsMax,
          connectionsMax,
          sockmap,
          listener,
          onCrash:
            onCrash ??
            ((error) => {
              throw error;
            }),
        }),
    );
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
    const wanted = new Map(services.map((service) => [service.name, service]));
    for (const service of services) this.#define(service, problems);
    const gone = this.#matchListeners(services, problems);
    this.#unlisten(gone);
    const removed = [...this.#services.values()].filter(({ name }) => !wanted.has(name));
    for (const { slot } of removed) this.#order({ type: "remove-service", slot });
    const released = this.#releasableServers(services);
    await this.#settled();
    for (const { fds } of gone) for (const fd of fds) closeDescriptor(fd);
    for (const service of removed) this.#forget(service);
    for (const [service, id, slot] of released) this.#retire(service, id, slot);
    return problems;
  }

  #unlisten(listeners: readonly OpenListener[]): void {
    for (const { fds } of listeners) {
      for (const [worker, fd] of fds.entries()) {
        this.#workers[worker]!.send({ type: "unlisten", fd });
      }
    }
  }

  #order(order: Parameters<WorkerThread["send"]>[0]): void {
    for (const worker of this.#workers) worker.send(order);
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.settled()));
  }

  /** Tells the workers of a service that is new or changed. */
  #define(service: ForwardingService, problems: ApplyProblem[]): void {
    const before = this.#services.get(service.name);
    const known = before ?? this.#introduce(service, problems);
    if (known === undefined) return;
    if (before !== undefined && JSON.stringify(known.definition) === JSON.stringify(service))
      return;
    if (this.#serverSlots.freeCount < service.servers.length) {
      problems.push(full(service.name, `${serversMax} real servers`));
      return;
    }
    this.#dropPersistence(known, service);
    known.definition = service;
    const serverSlots = service.servers.map((server) => {
      const id = serverId(server);
      const slot = known.serverSlots.get(id) ?? this.#serverSlots.take();
      invariant(slot !== undefined, "a free slot was counted");
      known.serverSlots.set(id, slot);
      return slot;
    });
    this.#order({ type: "service", definition: { slot: known.slot, service, serverSlots } });
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
      definition: service,
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

  /** Opens what is missing, hands over what stays. @returns What is no longer wanted. */
  #matchListeners(
    services: readonly ForwardingService[],
    problems: ApplyProblem[],
  ): readonly OpenListener[] {
    const unwanted = new Map(this.#listeners);
    for (const service of services) {
      if (!this.#services.has(service.name)) continue;
      for (const request of requestsOf(service)) {
        unwanted.delete(listenerKey(request));
        this.#provide(request, service.name, problems);
      }
    }
    for (const key of unwanted.keys()) this.#listeners.delete(key);
    return [...unwanted.values()];
  }

  #provide(request: ListenRequest, service: string, problems: ApplyProblem[]): void {
    const key = listenerKey(request);
    const known = this.#listeners.get(key);
    if (known !== undefined) {
      if (known.request.timeouts !== request.timeouts && request.protocol === "tcp") {
        for (const fd of known.fds) setTcpOptions(fd, request.timeouts);
      }
      if (known.service === service) return;
      known.service = service;
      this.#announce(known);
      return;
    }
    const fds: number[] = [];
    try {
      this.#requireFree(request);
      for (const _ of this.#workers) fds.push(openListener(request));
    } catch (error) {
      for (const fd of fds) closeDescriptor(fd);
      if (!(error instanceof ApplianceError)) throw error;
      problems.push({ service, code: error.code, message: error.message });
      return;
    }
    const listener: OpenListener = { request, fds, service };
    this.#listeners.set(key, listener);
    this.#announce(listener);
  }

  /** A wildcard and an address of ours share a port while one gives way to the other. */
  #requireFree(request: ListenRequest): void {
    try {
      requireFree(request);
    } catch (error) {
      const isOurs = [...this.#listeners.values()].some(
        (known) =>
          known.request.protocol === request.protocol && known.request.port === request.port,
      );
      if (!isOurs) throw error;
    }
  }

  #announce({ request, fds, service }: OpenListener): void {
    const { protocol, address, port } = request;
    const { slot } = this.#services.get(service)!;
    for (const [worker, fd] of fds.entries()) {
      this.#workers[worker]!.send({ type: "listen", fd, slot, protocol, address, port });
    }
  }

  /** Servers that the new definitions no longer have. */
  #releasableServers(
    services: readonly ForwardingService[],
  ): readonly (readonly [KnownService, string, number])[] {
    return services.flatMap((service) => {
      const known = this.#services.get(service.name);
      if (known === undefined) return [];
      const ids = new Set(service.servers.map(serverId));
      return [...known.serverSlots]
        .filter(([id]) => !ids.has(id))
        .map(([id, slot]) => [known, id, slot] as const);
    });
  }

  /** Keeps the totals of a removed server in the service and frees its slot. */
  #retire(service: KnownService, id: string, slot: number): void {
    const counted = readServer(id, slot, this.#parts);
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

  #open(): number {
    return sumWord(this.#parts, processRow + processWord.open);
  }

  close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(timeoutMs, hurry);
    return this.#closing;
  }

  async #close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    const tcp = listeners.filter(({ request }) => request.protocol === "tcp");
    const udp = listeners.filter(({ request }) => request.protocol === "udp");
    this.#unlisten(tcp);
    this.#order({ type: "drain" });
    await this.#settled();
    for (const { fds } of tcp) for (const fd of fds) closeDescriptor(fd);
    const endMs = performance.now() + timeoutMs;
    while (this.#open() > 0 && performance.now() < endMs && !hurry.aborted) {
      await Bun.sleep(drainTickMs);
    }
    this.#order({ type: "stop" });
    await this.#settled();
    // Answers of UDP flows went out through their listeners until now.
    for (const { fds } of udp) for (const fd of fds) closeDescriptor(fd);
    await Promise.all(this.#workers.map((worker) => worker.exit()));
  }
}

function full(service: string, what: string): ApplyProblem {
  const message = `Cannot add to service ${service}: all ${what} are taken; restart to make room`;
  return { service, code: "ENGINE_FULL", message };
}

/** Starts the workers. @returns An engine without services. */
export async function createProxyEngine(options: ProxyEngineOptions): Promise<Engine> {
  const engine = new ProxyEngine(options);
  await engine.start();
  return engine;
}
