/**
 * Persistence of one service: which client network belongs to which real server, in a plain map
 * of one thread. Pure, the time is handed in.
 *
 * @module
 */

import type { Persistence } from "../../model/index.ts";
import { formatAddress, maskAddress } from "../../net/address.ts";
import type { AddressBytes } from "../../net/address.ts";

/** Entries of one service; more client networks than that push out the oldest. */
export const persistenceEntriesMax = 65_536;

interface Entry<Server> {
  server: Server;
  /** Live connections; an entry does not expire before the last one has ended. */
  connections: number;
  expiresAtMs: number;
}

/** Client networks and their servers. `Server` is compared by identity. */
export class PersistenceMap<Server> {
  /** In the order of the last new entry: the first is the oldest. */
  readonly #entries = new Map<string, Entry<Server>>();
  #settings: Persistence;

  constructor(settings: Persistence) {
    this.#settings = settings;
  }

  /** Takes a new timeout and new masks; entries of another mask are not found any more. */
  update(settings: Persistence): void {
    const { ipv4PrefixBits, ipv6PrefixBits } = this.#settings;
    const isSame =
      ipv4PrefixBits === settings.ipv4PrefixBits && ipv6PrefixBits === settings.ipv6PrefixBits;
    if (!isSame) this.#entries.clear();
    this.#settings = settings;
  }

  #keyOf(client: AddressBytes): string {
    const { ipv4PrefixBits, ipv6PrefixBits } = this.#settings;
    const prefixBits = client.length === 4 ? ipv4PrefixBits : ipv6PrefixBits;
    return formatAddress(maskAddress(client, prefixBits));
  }

  /** The server of a client; undefined if it has none or its entry expired. */
  find(client: AddressBytes, nowMs: number): Server | undefined {
    const key = this.#keyOf(client);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.connections > 0 || entry.expiresAtMs > nowMs) return entry.server;
    this.#entries.delete(key);
    return undefined;
  }

  /** A connection of the client to `server` begins. */
  begin(client: AddressBytes, server: Server, nowMs: number): void {
    const key = this.#keyOf(client);
    const known = this.#entries.get(key);
    if (known?.server === server) {
      known.connections += 1;
      return;
    }
    this.#entries.delete(key);
    this.#makeRoom();
    const expiresAtMs = nowMs + this.#settings.timeoutMs;
    this.#entries.set(key, { server, connections: 1, expiresAtMs });
  }

  /** A connection of the client to `server` ended: from now on the timeout runs. */
  end(client: AddressBytes, server: Server, nowMs: number): void {
    const entry = this.#entries.get(this.#keyOf(client));
    // It may belong to another server by now, or be a later entry of the same one.
    if (entry?.server !== server || entry.connections === 0) return;
    entry.connections -= 1;
    entry.expiresAtMs = nowMs + this.#settings.timeoutMs;
  }

  /** Forgets every client of `server`. */
  forgetServer(server: Server): void {
    for (const [key, entry] of this.#entries) {
      if (entry.server === server) this.#entries.delete(key);
    }
  }

  /** Entries of `server` that have not expired. */
  count(server: Server, nowMs: number): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      const isLive = entry.connections > 0 || entry.expiresAtMs > nowMs;
      if (entry.server === server && isLive) count += 1;
    }
    return count;
  }

  #makeRoom(): void {
    if (this.#entries.size < persistenceEntriesMax) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }
}
