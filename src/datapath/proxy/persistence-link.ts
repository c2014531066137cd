/**
 * Persistence as the proxy's workers use it: client addresses masked, slots turned into servers.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import {
  createPersistenceQuery,
  noServerSlot,
  openPersistenceTable,
  setClientAddress,
} from "../persistence.ts";
import type { PersistenceQuery, PersistenceTable } from "../persistence.ts";
import type { WorkerServer, WorkerService } from "./worker-service.ts";

/** One worker's access to the table that all workers share. */
export class PersistenceLink {
  readonly #table: PersistenceTable;
  /** Reused: the table keeps no reference. */
  readonly #query: PersistenceQuery = createPersistenceQuery();

  constructor(buffer: SharedArrayBuffer) {
    this.#table = openPersistenceTable(buffer);
  }

  /**
   * The server a client of a persistent service is bound to, else the one `pick` gives, bound
   * from now on. Each success is to be followed by one {@link release}.
   *
   * @param tried Servers that must not be used.
   */
  acquire(
    service: WorkerService,
    client: Uint8Array,
    { tried, pick }: { tried: readonly WorkerServer[]; pick: () => WorkerServer | undefined },
  ): WorkerServer | undefined {
    const query = this.#ask(service, client);
    const boundSlot = this.#table.find(query);
    const bound = this.#usable(service, boundSlot, tried);
    const chosen = bound ?? pick();
    if (chosen === undefined) return undefined;
    const unwantedSlot = bound === undefined ? boundSlot : noServerSlot;
    const inForceSlot = this.#table.bind(query, chosen.slot, unwantedSlot);
    if (inForceSlot === chosen.slot) return chosen;
    const inForce = this.#usable(service, inForceSlot, tried);
    if (inForce !== undefined) return inForce;
    // Another worker bound the client to a server that this one cannot use.
    this.#table.release(query, inForceSlot);
    this.#table.bind(query, chosen.slot, inForceSlot);
    return chosen;
  }

  /** A connection of the client ended: the persistent timeout runs from now. */
  release(service: WorkerService, client: Uint8Array, server: WorkerServer): void {
    if (service.definition.persistence === undefined) return;
    this.#table.release(this.#ask(service, client), server.slot);
  }

  #usable(
    service: WorkerService,
    slot: number,
    tried: readonly WorkerServer[],
  ): WorkerServer | undefined {
    if (slot === noServerSlot) return undefined;
    const server = service.serverBySlot(slot);
    if (server === undefined || server.weight === 0 || server.isOverloaded) return undefined;
    return tried.includes(server) ? undefined : server;
  }

  #ask(service: WorkerService, client: Uint8Array): PersistenceQuery {
    const { timeoutMs, ipv4PrefixBits, ipv6PrefixBits } = service.definition.persistence!;
    const query = this.#query;
    query.serviceSlot = service.slot;
    query.nowMs = monotonicMs();
    query.timeoutMs = timeoutMs;
    setClientAddress(query, client, client.length === 4 ? ipv4PrefixBits : ipv6PrefixBits);
    return query;
  }
}
