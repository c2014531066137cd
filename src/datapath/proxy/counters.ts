/**
 * Adds the workers' counters up, by service and server.
 *
 * @module
 */

import { mapCauses } from "../engine.ts";
import type { ServerCounters, ServiceCounters } from "../engine.ts";
import { serverRow, serverWord, serviceRow, serviceWord, sumWord } from "./layout.ts";

/** Totals of servers that a service no longer has. */
export interface RetiredTotals {
  bytesIn: number;
  bytesOut: number;
  packetsIn: number;
  packetsOut: number;
}

/** A service with the slots of its counters. */
export interface CountedService {
  readonly name: string;
  readonly slot: number;
  /** By role and key, `real 192.0.2.1:80`. */
  readonly serverSlots: ReadonlyMap<string, number>;
  readonly retired: RetiredTotals;
}

/** A server with the slot of its counters. */
export interface CountedServer {
  /** Role and key, `real 192.0.2.1:80`. */
  readonly id: string;
  readonly slot: number;
  readonly persistentEntries: number;
}

type Parts = readonly Float64Array[];

/** Counters of one server; its persistence entries are counted elsewhere. */
export function readServer(
  { id, slot, persistentEntries }: CountedServer,
  parts: Parts,
): ServerCounters {
  const row = serverRow(slot);
  const sum = (word: number): number => sumWord(parts, row + word);
  const isFallback = id.startsWith("fallback ");
  return {
    key: id.slice(id.indexOf(" ") + 1),
    role: isFallback ? "fallback" : "real",
    active: sum(serverWord.active),
    inactive: sum(serverWord.inactive),
    connections: sum(serverWord.connections),
    connectFailures: sum(serverWord.connectFailures),
    bytesIn: sum(serverWord.bytesIn),
    bytesOut: sum(serverWord.bytesOut),
    packetsIn: sum(serverWord.packetsIn),
    packetsOut: sum(serverWord.packetsOut),
    persistentEntries,
  };
}

/** Counters of `services`; `persistentEntries` counts a server's entries. */
export function readCounters(
  services: readonly CountedService[],
  parts: Parts,
  persistentEntries: (serverSlot: number) => number,
): readonly ServiceCounters[] {
  return services.map(({ name, slot, serverSlots, retired }) => {
    const row = serviceRow(slot);
    const servers = Array.from(serverSlots, ([id, serverSlot]) =>
      readServer({ id, slot: serverSlot, persistentEntries: persistentEntries(serverSlot) }, parts),
    );
    const total = (word: "bytesIn" | "bytesOut" | "packetsIn" | "packetsOut"): number =>
      servers.reduce((sum, server) => sum + server[word], retired[word]);
    const closed = mapCauses((_cause, index) => sumWord(parts, row + serviceWord.closed + index));
    return {
      name,
      active: sumWord(parts, row + serviceWord.active),
      connections: sumWord(parts, row + serviceWord.connections),
      bytesIn: total("bytesIn"),
      bytesOut: total("bytesOut"),
      packetsIn: total("packetsIn"),
      packetsOut: total("packetsOut"),
      closed,
      servers,
    };
  });
}
