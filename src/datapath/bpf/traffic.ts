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
import type { Verdict } from "./connection-table.ts";
import { connectionState, indexKey, sumCounters } from "./layout.ts";
import type { ConnectionRecord, TrafficCounters } from "./layout.ts";
import type { NumberedServer } from "./numbers.ts";
import type { BalancerProgram } from "./program.ts";
import { looksAtLoad } from "./slot-table.ts";
import type { PlannedService } from "./tables.ts";

/** Connections are counted anew when the count is older, ms. */
const recountAfterMs = 1000;
/** Without a scheduler that needs it: after so many times what the last count took. */
const restShare = 20;
/** An ended TCP connection is remembered for its last packets, s; as TCP_FIN timeout of IPVS. */
const closedS = 120;
/** A reset one has none. */
const resetS = 10;

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

/** Seconds without a packet after which a connection counts as gone. */
function lifetimeS({ service }: PlannedService, state: number): number {
  if ((state & connectionState.reset) !== 0) return resetS;
  if (state !== 0) return closedS;
  const { idleMs, udpIdleMs } = service.timeouts;
  return Math.ceil((service.protocol === "udp" ? udpIdleMs : idleMs) / 1000);
}

function stateName(protocol: "tcp" | "udp", state: number): string {
  if (protocol === "udp") return "UDP";
  if ((state & connectionState.reset) !== 0) return "CLOSE";
  return state === 0 ? "ESTABLISHED" : "FIN_WAIT";
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

  /**
   * Counts connections: each time if a scheduler looks at them, else as often as it costs little,
   * so that who asks for counters seldom is told no old ones.
   */
  keepLoads(): void {
    const isNeeded = this.#services.some(({ service }) => looksAtLoad(service.scheduler));
    const isDue = monotonicMs() - this.#countedAtMs > this.#countTookMs * restShare;
    if (isNeeded || isDue) void this.recount();
  }

  /** Counts connections; calls that overlap share one count. */
  async recount(): Promise<void> {
    this.#recount ??= this.#count().finally(() => {
      this.#recount = undefined;
    });
    await this.#recount;
  }

  /** At most `limit` live connections. */
  async list(limit: number): Promise<ConnectionEntry[]> {
    const entries: ConnectionEntry[] = [];
    const nowS = monotonicMs() / 1000;
    await walkConnections(this.#program.kernel, this.#maps(), (connection, readFlow) => {
      if (entries.length >= limit) return "stop";
      const owner = this.#ownerOf(connection);
      if (owner === undefined) return "keep";
      const { planned, numbered } = owner;
      const leftS = connection.seenS + lifetimeS(planned, connection.state) - nowS;
      if (leftS <= 0) return "keep";
      const { client, virtual, protocol } = readFlow();
      const { address, port } = numbered.server;
      entries.push({
        service: planned.service.name,
        protocol,
        client,
        virtual,
        server: { address, port },
        state: stateName(protocol, connection.state),
        expiresMs: Math.round(leftS * 1000),
      });
      return "keep";
    });
    return entries;
  }

  #maps(): { connections4: number; connections6: number } {
    const program = this.#program;
    return {
      connections4: program.map("connections4"),
      connections6: program.map("connections6"),
    };
  }

  #ownerOf(connection: ConnectionRecord): Owner | undefined {
    const owner = this.#owners.get(connection.server);
    return owner?.numbered.generation === connection.generation ? owner : undefined;
  }

  async #count(): Promise<void> {
    const counts = new Map<number, ConnectionCount>();
    const startMs = monotonicMs();
    const nowS = startMs / 1000;
    const judge = (connection: ConnectionRecord): Verdict => {
      const owner = this.#ownerOf(connection);
      // Of a server that is gone: nobody uses it, and the next to come takes its place.
      if (owner === undefined) return "keep";
      const { state, seenS, server } = connection;
      if (nowS - seenS > lifetimeS(owner.planned, state)) return "remove";
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

  /** For schedulers that look at them; the next walk puts right what came or went meanwhile. */
  #writeLoads(counts: ReadonlyMap<number, ConnectionCount>): void {
    const map = this.#program.map("loads");
    for (const { service, servers } of this.#services) {
      if (!looksAtLoad(service.scheduler)) continue;
      for (const { index } of servers) {
        this.#program.kernel.update(map, indexKey(index), indexKey(counts.get(index)?.active ?? 0));
      }
    }
  }

  #read(index: number): TrafficCounters {
    const copies = new BigUint64Array(5 * this.#program.processors);
    const map = this.#program.map("server_counts");
    this.#program.kernel.lookup(map, indexKey(index), new Uint8Array(copies.buffer));
    return sumCounters(copies);
  }

  #refusals(id: number): number {
    const copies = new BigUint64Array(this.#program.processors);
    const map = this.#program.map("refusals");
    this.#program.kernel.lookup(map, indexKey(id), new Uint8Array(copies.buffer));
    return Number(copies.reduce((sum, count) => sum + count, 0n));
  }

  #serviceCounters(planned: PlannedService): ServiceCounters {
    const { service, id } = planned;
    const servers = planned.servers.map((numbered) => this.#serverCounters(planned, numbered));
    const past = this.#past.get(service.name) ?? zero;
    const { connections, ...sum } = servers.reduce<TrafficCounters>(add, past);
    const refused = this.#refusals(id);
    return {
      name: service.name,
      active: servers.reduce((total, { active }) => total + active, 0),
      connections: connections + refused,
      ...sum,
      closed: mapCauses((cause) => (cause === "no-server" ? refused : 0)),
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
