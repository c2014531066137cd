/**
 * What the program has counted, told as an engine tells it.
 *
 * Packets and bytes are counted by the program, connections by a walk through its table: that is
 * the only count which cannot drift, since the table forgets without a word.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import type { ConnectionEntry, ServerCounters, ServiceCounters } from "../engine.ts";
import { mapCauses } from "../engine.ts";
import { walkConnections } from "./connection-table.ts";
import type { ConnectionMaps, TableEntry, Verdict } from "./connection-table.ts";
import {
  connectionState,
  decodeLoad,
  encodeLoad,
  indexKey,
  serversMax,
  sizes,
  sumCounters,
} from "./layout.ts";
import type { ConnectionRecord, TrafficCounters } from "./layout.ts";
import type { NumberedServer } from "./numbers.ts";
import type { BalancerProgram } from "./program.ts";
import { needsLoads } from "./server-records.ts";
import type { PlannedService } from "./server-records.ts";

/** Connections are counted anew when the count is older, ms. */
const recountAfterMs = 1000;
/** Without a scheduler that needs it: after so many times what the last count took. */
const restShare = 20;
/** An ended TCP connection is remembered for its last packets, ms; as TCP_FIN timeout of IPVS. */
const closedMs = 120_000;
/** Copies come each minute; some may be late. */
const copyGraceMs = 150_000;
/** A reset one has none. */
const resetMs = 10_000;
/** A TCP connection that only its client has begun, ms; as SYN_RECV of IPVS. */
const openingMs = 60_000;

const zero: TrafficCounters = {
  connections: 0,
  packetsIn: 0,
  bytesIn: 0,
  packetsOut: 0,
  bytesOut: 0,
};

function add(a: TrafficCounters, b: TrafficCounters): TrafficCounters {
  return {
    connections: a.connections + b.connections,
    packetsIn: a.packetsIn + b.packetsIn,
    bytesIn: a.bytesIn + b.bytesIn,
    packetsOut: a.packetsOut + b.packetsOut,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}

/** A server with its service, by number. */
interface Owner {
  readonly planned: PlannedService;
  readonly numbered: NumberedServer;
}

/** `struct refusals`. */
type Refusals = Readonly<Record<"no-server" | "denied" | "connection-limit", number>>;

interface ConnectionCount {
  active: number;
  inactive: number;
}

function owners(services: readonly PlannedService[]): Map<number, Owner> {
  const found = new Map<number, Owner>();
  for (const planned of services) {
    for (const numbered of planned.servers) found.set(numbered.index, { planned, numbered });
  }
  return found;
}

/** Time without a packet after which a connection counts as gone, ms. */
export function lifetimeMs(
  { service }: PlannedService,
  { connection, isOpening }: Pick<TableEntry, "connection" | "isOpening">,
): number {
  const { state } = connection;
  if ((state & connectionState.reset) !== 0) return resetMs;
  if (state !== 0) return closedMs;
  const { idleMs, udpIdleMs } = service.timeouts;
  if (service.protocol === "udp") return udpIdleMs;
  return isOpening ? Math.min(openingMs, idleMs) : idleMs;
}

function stateName(protocol: "tcp" | "udp", { connection, isOpening }: TableEntry): string {
  if (protocol === "udp") return "UDP";
  if ((connection.state & connectionState.reset) !== 0) return "CLOSE";
  if (connection.state !== 0) return "FIN_WAIT";
  return isOpening ? "SYN_RECV" : "ESTABLISHED";
}

/** Counters of one engine. */
export class Traffic {
  readonly #program: BalancerProgram;
  /** By name of the service: what servers had counted that are not in it any more. */
  readonly #past = new Map<string, TrafficCounters>();
  #services: readonly PlannedService[] = [];
  #owners: ReadonlyMap<number, Owner> = new Map();
  #counts = new Map<number, ConnectionCount>();
  #countedAtMs = -Infinity;
  #countTookMs = 0;
  #recount: Promise<void> | undefined;
  #isOver = false;
  #graceMs = 0;

  constructor(program: BalancerProgram) {
    this.#program = program;
  }

  /**
   * Connections at the last count that can come to their end here: those to addresses that need a
   * lease go on at another director once that is over.
   */
  get endingConnections(): number {
    const own = this.#services.filter(({ service: { leased = [], listen } }) => {
      return listen.some(({ address }) => !leased.includes(address));
    });
    const indexes = own.flatMap(({ servers }) => servers.map(({ index }) => index));
    return indexes.reduce((sum, index) => sum + (this.#counts.get(index)?.active ?? 0), 0);
  }

  /** Takes note of a new state before it is written: what leaves it is counted once more. */
  follow(services: readonly PlannedService[]): void {
    const next = owners(services);
    for (const { service, servers } of this.#services) {
      const gone = servers.filter(({ index, generation }) => {
        return next.get(index)?.numbered.generation !== generation;
      });
      const past = gone.reduce((sum, { index }) => add(sum, this.#read(index)), zero);
      this.#past.set(service.name, add(this.#past.get(service.name) ?? zero, past));
    }
    const names = new Set(services.map(({ service }) => service.name));
    for (const name of this.#past.keys()) if (!names.has(name)) this.#past.delete(name);
    this.#services = services;
    this.#owners = next;
  }

  /** All services; starts a new count of connections if the last one is old. */
  counters(): ServiceCounters[] {
    if (monotonicMs() - this.#countedAtMs > recountAfterMs) void this.recount();
    return this.#services.map((planned) => this.#serviceCounters(planned));
  }

  /** Another director's connections may be here: they are as old as their last copy. */
  keepCopies(): void {
    this.#graceMs = copyGraceMs;
  }

  /**
   * Counts connections: each time if a scheduler, a threshold or a limit looks at them, else as
   * often as it costs little, so that who asks for counters seldom is told no old ones.
   */
  keepLoads(): void {
    const isNeeded = this.#services.some(({ service }) => needsLoads(service));
    const isDue = monotonicMs() - this.#countedAtMs > this.#countTookMs * restShare;
    if (isNeeded || isDue) void this.recount();
  }

  /** Ends the count that is under way; the maps may be closed then. */
  async settle(): Promise<void> {
    this.#isOver = true;
    await this.#recount;
  }

  /** Counts connections; calls that overlap share one count. */
  async recount(): Promise<void> {
    if (this.#isOver) return;
    this.#recount ??= this.#count().finally(() => {
      this.#recount = undefined;
    });
    await this.#recount;
  }

  /** At most `limit` live connections. */
  async list(limit: number): Promise<ConnectionEntry[]> {
    const entries: ConnectionEntry[] = [];
    const nowMs = monotonicMs();
    await walkConnections(this.#program.kernel, this.#maps(), (entry) => {
      if (entries.length >= limit) return "stop";
      const owner = this.#ownerOf(entry.connection);
      if (owner === undefined) return "keep";
      const { planned, numbered } = owner;
      const leftMs = entry.connection.seenMs + lifetimeMs(planned, entry) - nowMs;
      if (leftMs <= 0) return "keep";
      const { client, virtual, protocol } = entry.readFlow();
      const { address, port } = numbered.server;
      entries.push({
        service: planned.service.name,
        protocol,
        client,
        virtual,
        server: { address, port },
        state: stateName(protocol, entry),
        expiresMs: Math.round(leftMs),
      });
      return "keep";
    });
    return entries;
  }

  #maps(): ConnectionMaps {
    const program = this.#program;
    return {
      connections4: program.map("connections4"),
      connections6: program.map("connections6"),
      openings4: program.map("openings4"),
      openings6: program.map("openings6"),
    };
  }

  #ownerOf(connection: ConnectionRecord): Owner | undefined {
    const owner = this.#owners.get(connection.server);
    return owner?.numbered.generation === connection.generation ? owner : undefined;
  }

  async #count(): Promise<void> {
    const counts = new Map<number, ConnectionCount>();
    const startMs = monotonicMs();
    const judge = (entry: TableEntry): Verdict => {
      const { connection } = entry;
      const owner = this.#ownerOf(connection);
      // Of a server that is gone: nobody uses it, and the next to come takes its place.
      if (owner === undefined) return "keep";
      const { state, seenMs, server } = connection;
      const overdueMs = startMs - seenMs - lifetimeMs(owner.planned, entry);
      if (overdueMs > 0) return overdueMs > this.#graceMs ? "remove" : "keep";
      const count = counts.get(server) ?? { active: 0, inactive: 0 };
      if (state === 0) count.active++;
      else count.inactive++;
      counts.set(server, count);
      return "keep";
    };
    await walkConnections(this.#program.kernel, this.#maps(), judge);
    this.#writeLoads(counts);
    this.#counts = counts;
    this.#countedAtMs = monotonicMs();
    this.#countTookMs = this.#countedAtMs - startMs;
  }

  /** For who looks at them; the next walk puts right what came or went meanwhile. */
  #writeLoads(counts: ReadonlyMap<number, ConnectionCount>): void {
    for (const { service, servers, id } of this.#services) {
      if (!needsLoads(service)) continue;
      let sum = 0;
      for (const { index } of servers) {
        const count = counts.get(index)?.active ?? 0;
        this.#writeLoad(index, count);
        sum += count;
      }
      this.#writeLoad(serversMax + id, sum);
    }
  }

  #writeLoad(index: number, count: number): void {
    const map = this.#program.map("loads");
    const before = new Uint8Array(sizes.loads.value);
    this.#program.kernel.lookup(map, indexKey(index), before);
    const { isFull } = decodeLoad(before);
    this.#program.kernel.update(map, indexKey(index), encodeLoad({ count, isFull }));
  }

  #read(index: number): TrafficCounters {
    const copies = new BigUint64Array(5 * this.#program.processors);
    const map = this.#program.map("server_counts");
    this.#program.kernel.lookup(map, indexKey(index), new Uint8Array(copies.buffer));
    return sumCounters(copies);
  }

  /** Packets that got no server, by cause. */
  #refusals(id: number): Refusals {
    const copies = new BigUint64Array(3 * this.#program.processors);
    const map = this.#program.map("service_refusals");
    this.#program.kernel.lookup(map, indexKey(id), new Uint8Array(copies.buffer));
    const sums = [0, 0, 0];
    for (const [index, count] of copies.entries()) sums[index % 3]! += Number(count);
    return { "no-server": sums[0]!, denied: sums[1]!, "connection-limit": sums[2]! };
  }

  #serviceCounters(planned: PlannedService): ServiceCounters {
    const { service, id } = planned;
    const servers = planned.servers.map((numbered) => this.#serverCounters(planned, numbered));
    const past = this.#past.get(service.name) ?? zero;
    const { connections, ...sum } = servers.reduce<TrafficCounters>(add, past);
    const refusals = this.#refusals(id);
    const refused = Object.values(refusals).reduce((total, count) => total + count, 0);
    return {
      name: service.name,
      active: servers.reduce((total, { active }) => total + active, 0),
      connections: connections + refused,
      ...sum,
      closed: { ...mapCauses(() => 0), ...refusals },
      servers,
    };
  }

  #serverCounters(planned: PlannedService, { server, index }: NumberedServer): ServerCounters {
    const { active, inactive } = this.#counts.get(index) ?? { active: 0, inactive: 0 };
    return {
      key: server.key,
      role: server.role,
      active,
      inactive,
      connectFailures: 0,
      ...this.#read(index),
      persistentEntries: 0,
      isLocal: planned.ways.get(index)?.isLocal === true,
    };
  }
}
