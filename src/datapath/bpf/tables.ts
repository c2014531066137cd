/**
 * What the program looks up, written from what is to be forwarded: only what differs, and in an
 * order in which no packet finds a half-written state.
 *
 * @module
 */

import { mapShared } from "../../../ffi/memory.ts";
import type { SharedMapping } from "../../../ffi/memory.ts";
import type { ForwardingServer } from "../../model/index.ts";
import type { Endpoint } from "../../net/address.ts";
import { familyOf } from "../../net/address.ts";
import type { ApplyProblem } from "../engine.ts";
import {
  decodeServer,
  decodeService,
  encodeEndpoint,
  encodeReply,
  encodeServer,
  encodeService,
  indexKey,
  replyShared,
  serverFlag,
  serversMax,
  serviceDrains,
  sizes,
  slotsMax,
} from "./layout.ts";
import { MapMirror } from "./map-mirror.ts";
import type { NumberedServer, NumberedService, Numbers } from "./numbers.ts";
import type { BalancerProgram } from "./program.ts";
import { SlotSpace } from "./slot-space.ts";
import type { SlotRange } from "./slot-space.ts";
import { buildSlotTable, hasSlotTable } from "./slot-table.ts";
import type { SlotServer, SlotTable } from "./slot-table.ts";
import type { Way } from "./ways.ts";

/** Endpoints of one service that are read back; its map has no more (LISTENS_MAX). */
const listensMax = 8192;

/** The kernel keeps values of arrays eight bytes apart. */
const slotWords = 2;

/** A service with the ways to its servers. */
export interface PlannedService extends NumberedService {
  /** By number of the server; without one nothing is sent there. */
  readonly ways: ReadonlyMap<number, Way>;
}

/** A table as it stands in the kernel. */
interface WrittenTable {
  readonly range: SlotRange;
  readonly table: SlotTable;
  /** From what it was built. */
  readonly inputs: string;
}

/** Weight with which a server may get something new. */
function effectiveWeight({ state, weight }: ForwardingServer): number {
  return state === "active" ? weight : 0;
}

/** True if what it has goes on. */
function keepsFlows(service: NumberedService["service"], server: ForwardingServer): boolean {
  if (server.state === "reset") return false;
  if (server.state !== "down") return true;
  return service.protocol === "tcp" && service.onDown === "keep";
}

function flagsOf(planned: PlannedService, { server, index }: NumberedServer): number {
  const way = planned.ways.get(index);
  const { forwarding } = planned.service;
  let flags = 0;
  if (way !== undefined && keepsFlows(planned.service, server)) flags |= serverFlag.present;
  if (forwarding === "masq") flags |= serverFlag.masq;
  if (way?.isLocal === true) flags |= serverFlag.local;
  if (server.role === "fallback") flags |= serverFlag.fallback;
  if (effectiveWeight(server) === 0) flags |= serverFlag.quiescent;
  return flags;
}

function listensOf({ service }: NumberedService): Endpoint[] {
  return service.listen.map(({ address, portFirst }) => ({ address, port: portFirst }));
}

/** For masq: what each real server is called towards clients, by key in hex. */
function virtualNames(services: readonly PlannedService[]): Map<string, Endpoint[]> {
  const names = new Map<string, Endpoint[]>();
  for (const planned of services) {
    if (planned.service.forwarding !== "masq") continue;
    for (const { server } of planned.servers) {
      const key = encodeEndpoint(server, planned.service.protocol).toHex();
      names.set(key, [...(names.get(key) ?? []), ...listensOf(planned)]);
    }
  }
  return names;
}

/** The tables of one program. */
export class ForwardingTables {
  readonly #program: BalancerProgram;
  readonly #numbers: Numbers;
  readonly #services: MapMirror;
  readonly #servers: MapMirror;
  readonly #realServers: MapMirror;
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
    const mirror = (name: "services" | "servers" | "real_servers"): MapMirror =>
      new MapMirror({ kernel: program.kernel, map: program.map(name), bytes: sizes[name] });
    this.#services = mirror("services");
    this.#servers = mirror("servers");
    this.#realServers = mirror("real_servers");
    this.#slotMemory = mapShared(program.map("slots"), slotsMax * slotWords * 4);
    this.#slots = new Uint32Array(this.#slotMemory.bytes);
    this.#adopt();
  }

  #adopt(): void {
    const ranges = new Map<number, SlotRange>();
    for (const [key, value] of this.#services.read(listensMax)) {
      const { id, table, slots } = decodeService(value);
      this.#numbers.adoptService(key.toHex(), id);
      ranges.set(id, { start: table, length: slots });
    }
    for (const range of ranges.values()) this.#space.adopt(range);
    this.#leftRanges = [...ranges.values()];
    this.#realServers.read(serversMax);
    for (const [key, value] of this.#servers.read(serversMax)) {
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
    const names = virtualNames(services);
    const isShared = (planned: PlannedService, server: Endpoint): boolean =>
      (names.get(encodeEndpoint(server, planned.service.protocol).toHex())?.length ?? 0) > 1;
    const records = this.#serverRecords(services, isShared);
    for (const { isNew, index } of services.flatMap(({ servers }) => servers)) {
      if (!isNew) continue;
      this.#clear("server_counts", index, sizes.server_counts.value);
      this.#clear("loads", index, sizes.loads.value);
    }
    // First what tables may name, last what no table names any more.
    for (const [index, record] of records) {
      if ((record[30]! & serverFlag.present) !== 0) this.#servers.set(indexKey(index), record);
    }
    this.#writeNames(names);
    this.#writeServices(services, drains, problems);
    for (const [index, record] of records) {
      this.#servers.set(indexKey(index), record);
      if (record[30] === 0) this.#live.delete(index);
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
    isShared: (planned: PlannedService, server: Endpoint) => boolean,
  ): Map<number, Uint8Array> {
    const records = new Map<number, Uint8Array>();
    for (const planned of services) {
      for (const numbered of planned.servers) {
        const { server, index, generation } = numbered;
        const shared =
          planned.service.forwarding === "masq" && isShared(planned, server)
            ? serverFlag.shared
            : 0;
        records.set(
          index,
          encodeServer({
            address: server.address,
            port: server.port,
            device: planned.ways.get(index)?.device ?? 0,
            service: planned.id,
            generation,
            weight: effectiveWeight(server),
            flags: flagsOf(planned, numbered) | shared,
          }),
        );
      }
    }
    // Its generation stays, so that the next one under this number has another.
    const blank = { address: "0.0.0.0", port: 0, device: 0, service: 0, flags: 0, weight: 0 };
    for (const index of this.#live) {
      if (records.has(index)) continue;
      records.set(index, encodeServer({ ...blank, generation: this.#numbers.generation(index) }));
    }
    return records;
  }

  #writeNames(names: ReadonlyMap<string, readonly Endpoint[]>): void {
    for (const [key, [first, ...others]] of names) {
      const flags = others.length > 0 ? replyShared : 0;
      this.#realServers.set(Uint8Array.fromHex(key), encodeReply(first!, flags));
    }
    this.#realServers.retain(new Set(names.keys()));
  }

  #writeServices(
    services: readonly PlannedService[],
    drains: boolean,
    problems: ApplyProblem[],
  ): void {
    const kept = new Set<string>();
    const ids = new Set(services.map(({ id }) => id));
    for (const planned of services) {
      if (planned.isNew) this.#clear("refusals", planned.id, sizes.refusals.value);
      const written = this.#writeTable(planned);
      if (written === undefined) problems.push(tableFull(planned));
      const record = serviceRecord(planned, written, drains);
      for (const endpoint of listensOf(planned)) {
        const key = encodeEndpoint(endpoint, planned.service.protocol);
        this.#services.set(key, record);
        kept.add(key.toHex());
      }
    }
    this.#services.retain(kept);
    for (const [id, { range }] of this.#tables) {
      if (ids.has(id)) continue;
      this.#space.release(range);
      this.#tables.delete(id);
    }
    for (const range of this.#leftRanges.splice(0)) this.#space.release(range);
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
    const range = this.#space.take(table.slots.length);
    if (range === undefined) return before;
    for (const [place, index] of table.slots.entries()) {
      this.#slots[(range.start + place) * slotWords] = index;
    }
    if (before !== undefined) this.#space.release(before.range);
    const written = { range, table, inputs };
    this.#tables.set(planned.id, written);
    return written;
  }

  /** Sets the copies of all processors to zero. */
  #clear(name: "server_counts" | "loads" | "refusals", index: number, valueBytes: number): void {
    const value = new Uint8Array(valueBytes * this.#program.processors);
    this.#program.kernel.update(this.#program.map(name), indexKey(index), value);
  }
}

function tableFull({ service }: PlannedService): ApplyProblem {
  const message = `the tables of all services need more than ${slotsMax} slots`;
  return { service: service.name, code: "BPF_TABLE_FULL", message };
}

/** Client bits and timeout of persistence; zeros: none. */
function persistenceOf({ service }: PlannedService): { persistenceS: number; clientBits: number } {
  const { persistence, listen } = service;
  if (persistence === undefined) return { persistenceS: 0, clientBits: 0 };
  const isSix = familyOf(listen[0]!.address) === 6;
  return {
    persistenceS: Math.ceil(persistence.timeoutMs / 1000),
    clientBits: isSix ? persistence.ipv6PrefixBits : persistence.ipv4PrefixBits,
  };
}

const noTable: Pick<WrittenTable, "range" | "table"> = {
  range: { start: 0, length: 0 },
  table: { scheduler: 0, slots: new Uint32Array(0), hashBits: 0 },
};

function serviceRecord(
  planned: PlannedService,
  written: WrittenTable | undefined,
  drains: boolean,
): Uint8Array {
  const { range, table } = written ?? noTable;
  return encodeService({
    id: planned.id,
    table: range.start,
    slots: range.length,
    ...persistenceOf(planned),
    scheduler: table.scheduler,
    hashBits: table.hashBits,
    flags: drains ? serviceDrains : 0,
  });
}
