/**
 * Counters of services and their servers out of the kernel's, which start at zero again when a
 * service or destination is made anew: what was counted before is added. But a destination that
 * still had connections when it was removed comes back with what it had counted. Mutable.
 *
 * @module
 */

import { formatEndpoint } from "../../net/address.ts";
import type { IpvsDestination, IpvsStats } from "../../netlink/generic/index.ts";
import { mapCauses } from "../engine.ts";
import type { ServerCounters, ServiceCounters } from "../engine.ts";
import type { FoundService } from "./reconcile.ts";
import { serviceId } from "./table.ts";
import type { WantedDestination, WantedService } from "./table.ts";

/** What only grows. */
const growing = ["connections", "packetsIn", "packetsOut", "bytesIn", "bytesOut"] as const;
type Growing = Readonly<Record<(typeof growing)[number], number>>;

const nothing: Growing = {
  connections: 0,
  packetsIn: 0,
  packetsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** One row of the kernel that is followed: the sum of its former lives, and its last reading. */
interface Row {
  base: Growing;
  last: Growing;
}

function add(a: Growing, b: Growing): Growing {
  return {
    connections: a.connections + b.connections,
    packetsIn: a.packetsIn + b.packetsIn,
    packetsOut: a.packetsOut + b.packetsOut,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}

function readingOf(stats: IpvsStats): Growing {
  return {
    connections: Number(stats.connections),
    packetsIn: Number(stats.inPackets),
    packetsOut: Number(stats.outPackets),
    bytesIn: Number(stats.inBytes),
    bytesOut: Number(stats.outBytes),
  };
}

/** What a server has at the moment, beside what it has counted. */
interface Live {
  readonly active: number;
  readonly inactive: number;
  readonly persistentEntries: number;
  readonly isLocal: boolean;
}

const idle: Live = { active: 0, inactive: 0, persistentEntries: 0, isLocal: false };

function liveOf(row: IpvsDestination): Live {
  return {
    active: row.activeConnections,
    inactive: row.inactiveConnections,
    persistentEntries: row.persistentConnections,
    isLocal: row.method === "local",
  };
}

/** Counters of the services of one engine. */
export class IpvsCounters {
  readonly #rows = new Map<string, Row>();
  /** Names of the rows of this reading; the others are forgotten. */
  #seen = new Set<string>();

  /**
   * Takes a reading of the kernel's table.
   *
   * @param found By {@link serviceId}.
   * @returns The counters of each service in the order of `wanted`.
   */
  read(
    wanted: readonly WantedService[],
    found: ReadonlyMap<string, FoundService>,
  ): readonly ServiceCounters[] {
    this.#seen = new Set();
    const byOwner = Map.groupBy(wanted, ({ owner }) => owner);
    const counters = Array.from(byOwner, ([name, parts]) => this.#service(name, parts, found));
    for (const id of this.#rows.keys()) if (!this.#seen.has(id)) this.#rows.delete(id);
    return counters;
  }

  #service(
    name: string,
    parts: readonly WantedService[],
    found: ReadonlyMap<string, FoundService>,
  ): ServiceCounters {
    let total = nothing;
    const servers = new Map<string, ServerCounters>();
    for (const { key, destinations } of parts) {
      const id = serviceId(key);
      const known = found.get(id);
      total = add(total, this.#follow(`${name} ${id}`, known?.service.stats));
      const rows = new Map(known?.destinations.map((one) => [formatEndpoint(one), one]));
      for (const wanted of destinations) {
        const row = wanted.isPresent ? rows.get(formatEndpoint(wanted.key)) : undefined;
        const counted = this.#follow(`${name} ${id} ${serverId(wanted)}`, row?.stats);
        const live = row === undefined ? idle : liveOf(row);
        const before = servers.get(serverId(wanted));
        servers.set(serverId(wanted), sum(wanted, before, { counted, live }));
      }
    }
    const list = [...servers.values()];
    return {
      name,
      active: list.reduce((count, { active }) => count + active, 0),
      ...total,
      closed: mapCauses(() => 0),
      servers: list,
    };
  }

  /** Value of a row since it was first seen. */
  #follow(id: string, stats: IpvsStats | undefined): Growing {
    this.#seen.add(id);
    const row = this.#rows.get(id) ?? { base: nothing, last: nothing };
    this.#rows.set(id, row);
    if (stats === undefined) return add(row.base, row.last);
    const now = readingOf(stats);
    if (growing.some((name) => now[name] < row.last[name])) row.base = add(row.base, row.last);
    row.last = now;
    return add(row.base, now);
  }
}

function serverId({ server: { role, key } }: WantedDestination): string {
  return `${role} ${key}`;
}

/** A server's counters with those of one more of the kernel's services. */
function sum(
  { server }: WantedDestination,
  before: ServerCounters | undefined,
  { counted, live }: { readonly counted: Growing; readonly live: Live },
): ServerCounters {
  return {
    ...server,
    connectFailures: 0,
    active: (before?.active ?? 0) + live.active,
    inactive: (before?.inactive ?? 0) + live.inactive,
    persistentEntries: (before?.persistentEntries ?? 0) + live.persistentEntries,
    isLocal: live.isLocal,
    ...add(before ?? nothing, counted),
  };
}
