/**
 * What the program looks up, written from what is to be forwarded: only what differs, and in an
 * order in which no packet finds a half-written state.
 *
 * @module
 */

import { mapShared } from "../../../ffi/memory.ts";
import type { SharedMapping } from "../../../ffi/memory.ts";
import { instancesMax } from "../../fence/index.ts";
import { familyOf, parseAddress } from "../../net/address.ts";
import type { ApplyProblem } from "../engine.ts";
import {
  decodeServer,
  decodeService,
  encodeClientNetwork,
  encodeEndpoint,
  encodeReply,
  encodeService,
  indexKey,
  leasePlace,
  replyShared,
  serverFlag,
  serversMax,
  serviceFlag,
  settingFlag,
  sizes,
  slotsMax,
} from "./layout.ts";
import { listenKeys, virtualNames } from "./listens.ts";
import type { VirtualNames } from "./listens.ts";
import { MapMirror } from "./map-mirror.ts";
import type { NumberedServer, Numbers } from "./numbers.ts";
import type { BalancerProgram } from "./program.ts";
import { blankRecord, effectiveWeight, serverRecord } from "./server-records.ts";
import type { PlannedService } from "./server-records.ts";
import { SlotSpace } from "./slot-space.ts";
import type { SlotRange } from "./slot-space.ts";
import { buildSlotTable, hasSlotTable } from "./slot-table.ts";
import type { SlotServer, SlotTable } from "./slot-table.ts";

/** Entries of services, ranges and clients that are read back; their maps have no more. */
const listensMax = 8192;
const rangesMax = 8192;
const clientsMax = 65_536;

/** The kernel keeps values of arrays eight bytes apart. */
const slotWords = 2;
/** Value of `clients`: being there is all. */
const listed = indexKey(1);

const mirrored = ["services", "ranges", "clients", "settings", "servers", "real_servers"] as const;

/** A table as it stands in the kernel. */
interface WrittenTable {
  readonly range: SlotRange;
  readonly table: SlotTable;
  /** From what it was built. */
  readonly inputs: string;
}

/** The tables of one program. */
export class ForwardingTables {
  readonly #program: BalancerProgram;
  readonly #numbers: Numbers;
  readonly #mirrors: Readonly<Record<(typeof mirrored)[number], MapMirror>>;
  readonly #slotMemory: SharedMapping;
  readonly #slots: Uint32Array;
  readonly #space = new SlotSpace(slotsMax);
  /** By number of the service. */
  readonly #tables = new Map<number, WrittenTable>();
  /** Numbers of servers that are not blank in the kernel. */
  readonly #live = new Set<number>();
  /** By number of the server: weight that an earlier process left. */
  readonly #leftWeights = new Map<number, number>();
  /** Left by an earlier process; nobody needs them once the first state is written. */
  #leftRanges: SlotRange[] = [];

  /** Reads what an earlier process left, and makes it known to `numbers`. */
  constructor(program: BalancerProgram, numbers: Numbers) {
    this.#program = program;
    this.#numbers = numbers;
    const mirror = (name: (typeof mirrored)[number]): MapMirror =>
      new MapMirror({ kernel: program.kernel, map: program.map(name), bytes: sizes[name] });
    this.#mirrors = {
      services: mirror("services"),
      ranges: mirror("ranges"),
      clients: mirror("clients"),
      settings: mirror("settings"),
      servers: mirror("servers"),
      real_servers: mirror("real_servers"),
    };
    this.#slotMemory = mapShared(program.map("slots"), slotsMax * slotWords * 4);
    this.#slots = new Uint32Array(this.#slotMemory.bytes);
    this.#adopt();
  }

  #adopt(): void {
    const { services, ranges: portRanges, clients, settings, servers } = this.#mirrors;
    const ranges = new Map<number, SlotRange>();
    for (const [key, value] of [...services.read(listensMax), ...portRanges.read(rangesMax)]) {
      const { id, table, slots, members } = decodeService(value);
      this.#numbers.adoptService(key.toHex(), id);
      ranges.set(id, { start: table, length: slots + members });
    }
    for (const range of ranges.values()) this.#space.adopt(range);
    this.#leftRanges = [...ranges.values()];
    this.#mirrors.real_servers.read(serversMax);
    clients.read(clientsMax);
    settings.read(1);
    for (const [key, value] of servers.read(serversMax)) {
      const index = new DataView(key.buffer).getUint32(0, true);
      const record = decodeServer(value);
      this.#numbers.adoptServer(index, record);
      if (record.flags !== 0) this.#live.add(index);
      if (record.weight > 0) this.#leftWeights.set(index, record.weight);
    }
  }

  /**
   * A server as an earlier process left it, until its first check has ended: what it got goes on
   * over a restart.
   */
  asLeft(numbered: NumberedServer): NumberedServer {
    const { server, index, isNew } = numbered;
    const weight = this.#leftWeights.get(index);
    if (weight === undefined) return numbered;
    if (server.isUnchecked === true && !isNew) {
      return { ...numbered, server: { ...server, weight, state: "active" } };
    }
    this.#leftWeights.delete(index);
    return numbered;
  }

  /**
   * Makes `services` the whole state.
   *
   * @param drains Nothing new is taken any more.
   */
  write(services: readonly PlannedService[], drains: boolean): ApplyProblem[] {
    const problems: ApplyProblem[] = [];
    this.#space.settle();
    const fenced = this.#program.fencedAddresses();
    const names = virtualNames(services.map(({ service }) => service));
    const records = this.#serverRecords(services, names, fenced);
    for (const { isNew, index } of services.flatMap(({ servers }) => servers)) {
      if (!isNew) continue;
      this.#clear("server_counts", index, sizes.server_counts.value);
      this.#clear("loads", index, sizes.loads.value);
    }
    // First what tables may name, last what no table names any more.
    const { servers } = this.#mirrors;
    for (const [index, record] of records) {
      if ((decodeServer(record).flags & serverFlag.present) === 0) continue;
      servers.set(indexKey(index), record);
    }
    this.#writeNames(names);
    this.#writeServices(services, { drains, fenced }, problems);
    for (const [index, record] of records) {
      servers.set(indexKey(index), record);
      if (decodeServer(record).flags === 0) this.#live.delete(index);
      else this.#live.add(index);
    }
    return problems;
  }

  /** Gives the memory back; what is written stays. */
  close(): void {
    this.#slotMemory.unmap();
  }

  #serverRecords(
    services: readonly PlannedService[],
    names: ReadonlyMap<string, VirtualNames>,
    fenced: ReadonlyMap<string, number>,
  ): Map<number, Uint8Array> {
    const records = new Map<number, Uint8Array>();
    for (const planned of services) {
      const { protocol } = planned.service;
      const context = {
        planned,
        lease: leaseOf(planned, fenced),
        isShared: (server: { address: string; port: number }) =>
          names.get(encodeEndpoint(server, protocol).toHex())?.isShared === true,
      };
      for (const server of planned.servers) {
        records.set(server.index, serverRecord(context, server));
      }
    }
    // Its generation stays, so that the next one under this number has another.
    for (const index of this.#live) {
      if (!records.has(index)) records.set(index, blankRecord(this.#numbers.generation(index)));
    }
    return records;
  }

  #writeNames(names: ReadonlyMap<string, VirtualNames>): void {
    const { real_servers: realServers } = this.#mirrors;
    for (const [key, { name, isShared }] of names) {
      realServers.set(Uint8Array.fromHex(key), encodeReply(name, isShared ? replyShared : 0));
    }
    realServers.retain(new Set(names.keys()));
  }

  #writeServices(
    services: readonly PlannedService[],
    state: { readonly drains: boolean; readonly fenced: ReadonlyMap<string, number> },
    problems: ApplyProblem[],
  ): void {
    const { services: exact, ranges } = this.#mirrors;
    const kept = { services: new Set<string>(), ranges: new Set<string>() };
    const ids = new Set(services.map(({ id }) => id));
    this.#writeSettings(services);
    const keptClients = this.#writeClients(services);
    for (const planned of services) {
      if (planned.isNew) this.#clearService(planned.id);
      const written = this.#writeTable(planned);
      if (written === undefined) problems.push(tableFull(planned));
      const record = serviceRecord(planned, written, {
        flags: serviceFlags(planned, state.drains),
        lease: leaseOf(planned, state.fenced),
      });
      const keys = listenKeys(planned.service);
      for (const key of keys.services) {
        exact.set(key, record);
        kept.services.add(key.toHex());
      }
      for (const key of keys.ranges) {
        ranges.set(key, record);
        kept.ranges.add(key.toHex());
      }
    }
    exact.retain(kept.services);
    ranges.retain(kept.ranges);
    this.#mirrors.clients.retain(keptClients);
    for (const [id, { range }] of this.#tables) {
      if (ids.has(id)) continue;
      this.#space.release(range);
      this.#tables.delete(id);
    }
    for (const range of this.#leftRanges.splice(0)) this.#space.release(range);
  }

  /** What the program need not look for; first, as what is there must be found. */
  #writeSettings(services: readonly PlannedService[]): void {
    const hasRanges = services.some(({ service }) => listenKeys(service).ranges.length > 0);
    const masq = services.filter(({ service }) => service.forwarding === "masq");
    const hasAnyPort = masq.some(({ servers }) => servers.some(({ server }) => server.port === 0));
    const settings =
      (hasRanges ? settingFlag.ranges : 0) |
      (hasAnyPort ? settingFlag.anyPort : 0) |
      (masq.length > 0 ? settingFlag.masq : 0);
    this.#mirrors.settings.set(indexKey(0), indexKey(settings));
  }

  /** Before services say that they have lists. @returns Keys that stay. */
  #writeClients(services: readonly PlannedService[]): Set<string> {
    const kept = new Set<string>();
    for (const { service, id } of services) {
      for (const kind of ["allow", "deny"] as const) {
        for (const network of service[kind]) {
          const key = encodeClientNetwork(id, kind, network);
          this.#mirrors.clients.set(key, listed);
          kept.add(key.toHex());
        }
      }
    }
    return kept;
  }

  /** The table of a service, a new one if need be; undefined if there is no room for it. */
  #writeTable(planned: PlannedService): WrittenTable | undefined {
    const { scheduler } = planned.service;
    const servers = planned.servers.map(({ server, index }): SlotServer => {
      const isReachable = planned.ways.has(index);
      return { key: server.key, index, weight: isReachable ? effectiveWeight(server) : 0 };
    });
    const inputs = JSON.stringify([scheduler, servers]);
    const before = this.#tables.get(planned.id);
    if (before?.inputs === inputs || !hasSlotTable(scheduler)) return before;
    const table = buildSlotTable(scheduler, servers);
    const range = this.#space.take(table.slots.length + table.members.length);
    if (range === undefined) return before;
    for (const [place, index] of [...table.slots, ...table.members].entries()) {
      this.#slots[(range.start + place) * slotWords] = index;
    }
    if (before !== undefined) this.#space.release(before.range);
    const written = { range, table, inputs };
    this.#tables.set(planned.id, written);
    return written;
  }

  #clearService(id: number): void {
    this.#clear("service_refusals", id, sizes.service_refusals.value);
    this.#clear("loads", serversMax + id, sizes.loads.value);
  }

  /** Sets the copies of all processors to zero. */
  #clear(
    name: "server_counts" | "loads" | "service_refusals",
    index: number,
    valueBytes: number,
  ): void {
    const value = new Uint8Array(valueBytes * this.#program.processors);
    this.#program.kernel.update(this.#program.map(name), indexKey(index), value);
  }
}

function tableFull({ service }: PlannedService): ApplyProblem {
  const message = `the tables of all services need more than ${slotsMax} slots`;
  return { service: service.name, code: "BPF_TABLE_FULL", message };
}

/**
 * One place for all addresses of a service, else each is looked up with each packet: so is one that
 * needs a lease which the fence has not named yet.
 */
function leaseOf({ service }: PlannedService, fenced: ReadonlyMap<string, number>): number {
  const { listen, leased = [] } = service;
  const places = new Set(
    listen.map(({ address }) => {
      const instance = fenced.get(parseAddress(address)!.toHex());
      if (instance !== undefined && instance < instancesMax) return leasePlace.first + instance;
      const isFenced = instance !== undefined || leased.includes(address);
      return isFenced ? leasePlace.ofAddress : leasePlace.none;
    }),
  );
  return places.size === 1 ? [...places][0]! : leasePlace.ofAddress;
}

function serviceFlags({ service }: PlannedService, drains: boolean): number {
  const { allow, deny, onePacket } = service;
  return (
    (drains ? serviceFlag.drains : 0) |
    (allow.length > 0 ? serviceFlag.allow : 0) |
    (deny.length > 0 ? serviceFlag.deny : 0) |
    (onePacket ? serviceFlag.onePacket : 0)
  );
}

/** Client bits and timeout of persistence; zeros: none. */
function persistenceOf({ service }: PlannedService): { persistenceMs: number; clientBits: number } {
  const { persistence, listen } = service;
  if (persistence === undefined) return { persistenceMs: 0, clientBits: 0 };
  const isSix = familyOf(listen[0]!.address) === 6;
  return {
    persistenceMs: persistence.timeoutMs,
    clientBits: isSix ? persistence.ipv6PrefixBits : persistence.ipv4PrefixBits,
  };
}

const noTable: Pick<WrittenTable, "range" | "table"> = {
  range: { start: 0, length: 0 },
  table: {
    scheduler: 0,
    slots: new Uint32Array(0),
    members: new Uint32Array(0),
    hashBits: 0,
  },
};

function serviceRecord(
  planned: PlannedService,
  written: WrittenTable | undefined,
  rest: { readonly flags: number; readonly lease: number },
): Uint8Array {
  const { range, table } = written ?? noTable;
  return encodeService({
    id: planned.id,
    table: range.start,
    slots: table.slots.length,
    members: table.members.length,
    ...persistenceOf(planned),
    scheduler: table.scheduler,
    hashBits: table.hashBits,
    ...rest,
    connectionLimit: planned.service.connectionLimit,
  });
}
