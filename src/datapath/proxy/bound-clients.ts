/**
 * Clients of persistent services in words that another director understands, and back: names
 * instead of slots, times left instead of times.
 *
 * @module
 */

import type { Persistence } from "../../model/index.ts";
import { formatAddress, parseAddress } from "../../net/address.ts";
import type { BoundClient } from "../engine.ts";
import { createPersistenceQuery, setClientAddress } from "../persistence.ts";
import type { PersistenceTable } from "../persistence.ts";

/** A service as far as its clients are concerned. */
export interface BindingService {
  readonly name: string;
  readonly slot: number;
  readonly persistence: Persistence | undefined;
  /** Slots of its real servers by key; none that may get nothing new. */
  readonly servers: ReadonlyMap<string, number>;
}

/** Clients that came within the last `withinMs`, or are here where that is Infinity. */
export function listBoundClients(
  table: PersistenceTable,
  services: readonly BindingService[],
  { nowMs, withinMs, limit }: { nowMs: number; withinMs: number; limit: number },
): BoundClient[] {
  const bySlot = new Map(services.map((service) => [service.slot, service]));
  const timeoutOf = (slot: number): number | undefined => bySlot.get(slot)?.persistence?.timeoutMs;
  const afterMs = (slot: number): number | undefined => {
    const timeoutMs = timeoutOf(slot);
    // It expires a timeout after it came last. Who is here may have come long ago.
    return timeoutMs === undefined ? undefined : nowMs + timeoutMs - withinMs;
  };
  const keys = new Map<number, Map<number, string>>();
  for (const { slot, servers } of services) {
    keys.set(slot, new Map([...servers].map(([key, server]) => [server, key])));
  }
  return table.usedSince(nowMs, afterMs, limit).flatMap((entry) => {
    const { serviceSlot, address, serverSlot, connections, remainingMs } = entry;
    const server = keys.get(serviceSlot)?.get(serverSlot);
    if (server === undefined) return [];
    const left = connections > 0 ? timeoutOf(serviceSlot)! : remainingMs;
    const { name } = bySlot.get(serviceSlot)!;
    return [{ service: name, client: formatAddress(address), server, remainingMs: left }];
  });
}

/** Puts clients of another director into the table. @returns How many were news. */
export function takeBoundClients(
  table: PersistenceTable,
  services: readonly BindingService[],
  { clients, nowMs }: { readonly clients: readonly BoundClient[]; readonly nowMs: number },
): number {
  const byName = new Map(services.map((service) => [service.name, service]));
  const query = createPersistenceQuery();
  query.nowMs = nowMs;
  let taken = 0;
  for (const { service: name, client, server, remainingMs } of clients) {
    const service = byName.get(name);
    const serverSlot = service?.servers.get(server);
    const address = parseAddress(client);
    if (service?.persistence === undefined || serverSlot === undefined) continue;
    if (address === undefined || !(remainingMs > 0)) continue;
    const { timeoutMs, ipv4PrefixBits, ipv6PrefixBits } = service.persistence;
    query.serviceSlot = service.slot;
    query.timeoutMs = timeoutMs;
    setClientAddress(query, address, address.length === 4 ? ipv4PrefixBits : ipv6PrefixBits);
    if (table.adopt(query, serverSlot, remainingMs)) taken++;
  }
  return taken;
}
