/**
 * Persistence: the same client of a service gets the same real server, until a timeout after its
 * last connection ended (the templates of IPVS, net/netfilter/ipvs/ip_vs_core.c).
 *
 * One table in shared memory for all threads: the workers share their listening ports, so a
 * client's connections arrive at any of them. The main thread creates the block, each thread opens
 * its own table over it. Every call is safe from every thread; none allocates but the listings.
 *
 * The table is an 8-way set-associative hash table with a lock a set; a lookup is one lock and at
 * most 8 comparisons. Sets are bounded: a new client in a full set takes the place of an expired
 * entry, else of the one that expires next, preferably one that no connection holds (counted as an
 * eviction). A thread that cannot get a lock within some ms goes on without: the client counts as
 * unknown and is not remembered (counted as contended).
 *
 * How the data path uses it, for each new connection:
 *
 * 1. `find` gives the server the client is bound to. The caller checks that it may have it (it is
 *    not down, quiescent or tried), else it asks its scheduler.
 * 2. `bind` with the server chosen, and with the one found if that was refused. It returns the
 *    server in force: another worker may have bound the client in the meantime, and both then
 *    agree on its choice.
 * 3. `release` once the connection has ended.
 *
 * Layout: persistence/layout.ts. Locks: persistence/set-lock.ts.
 *
 * @module
 */
import { invariant } from "../errors/index.ts";
import type { AddressBytes } from "../net/address.ts";
import {
  entryWord,
  entryWords,
  headerWord,
  setEntries,
  viewPersistenceBuffer,
} from "./persistence/layout.ts";
import type { PersistenceViews } from "./persistence/layout.ts";
import { tagOf } from "./persistence/query.ts";
import type { PersistenceQuery } from "./persistence/query.ts";
import { lock, patience, unlock } from "./persistence/set-lock.ts";

export { createPersistenceBuffer } from "./persistence/layout.ts";
export { createPersistenceQuery, setClientAddress } from "./persistence/query.ts";
export type { PersistenceQuery } from "./persistence/query.ts";

/** No server: what {@link PersistenceTable.find} returns for a client that is not bound. */
export const noServerSlot = -1;

/** One bound client, copied out of the table. */
export interface PersistenceEntry {
  readonly serviceSlot: number;
  /** Masked client address. */
  readonly address: AddressBytes;
  readonly serverSlot: number;
  /** Connections of the client that are still open. */
  readonly connections: number;
  /** Until it expires if all connections ended now, in ms; 0 if it only lives by them. */
  readonly remainingMs: number;
}

/** Counters of the whole table, over all threads, since it was created. */
export interface PersistenceCounters {
  /** Entries the table can hold. */
  readonly capacity: number;
  /** Entries in use, including expired ones that nobody has replaced yet. */
  readonly occupied: number;
  /** Live entries that made room for another client. */
  readonly evictions: number;
  /** Calls that went on without the table, because a lock was held too long. */
  readonly contended: number;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** One thread's access to the shared table; see the head of this file. */
export class PersistenceTable {
  readonly #views: PersistenceViews;

  /** @param views Of the calling thread; {@link openPersistenceTable} makes them. */
  constructor(views: PersistenceViews) {
    this.#views = views;
  }

  /** Server slot the client is bound to, or -1. Does not refresh. */
  find(query: PersistenceQuery): number {
    const { words } = this.#views;
    const tag = tagOf(query);
    const set = this.#setOf(query, tag);
    if (!this.#enter(set)) return noServerSlot;
    const at = this.#search(set, tag, query.words);
    const isBound = at !== -1 && this.#isLive(at, query.nowMs);
    const serverSlot = isBound ? words[at + entryWord.server]! : noServerSlot;
    unlock(this.#views.locks, set);
    return serverSlot;
  }

  /**
   * Binds the client to a server for a new connection, which holds the entry until it is
   * released; refreshes the timeout.
   *
   * @param serverSlot 0..2^31 - 1.
   * @param unwantedSlot A binding to this server is replaced; a live one to any other stays.
   * @returns The server in force: `serverSlot`, or the one another connection has bound before.
   */
  bind(query: PersistenceQuery, serverSlot: number, unwantedSlot: number = noServerSlot): number {
    const { words, doubles, locks } = this.#views;
    const tag = tagOf(query);
    const set = this.#setOf(query, tag);
    if (!this.#enter(set)) return serverSlot;

    let at = this.#search(set, tag, query.words);
    if (at === -1) {
      at = this.#vacate(set, query.nowMs);
      words[at + entryWord.tag] = tag;
      words.set(query.words, at + entryWord.address);
      words[at + entryWord.server] = serverSlot;
      words[at + entryWord.connections] = 0;
    } else if (words[at + entryWord.server] === unwantedSlot || !this.#isLive(at, query.nowMs)) {
      words[at + entryWord.server] = serverSlot;
      words[at + entryWord.connections] = 0;
    }
    const inForce = words[at + entryWord.server]!;
    words[at + entryWord.connections]! += 1;
    doubles[(at + entryWord.expires) / 2] = query.nowMs + query.timeoutMs;
    unlock(locks, set);
    return inForce;
  }

  /**
   * Ends a connection's hold on the client's entry and refreshes the timeout. Does nothing if the
   * client is bound to another server by now, or no longer at all.
   */
  release(query: PersistenceQuery, serverSlot: number): void {
    const { words, doubles, locks } = this.#views;
    const tag = tagOf(query);
    const set = this.#setOf(query, tag);
    if (!this.#enter(set)) return;
    const at = this.#search(set, tag, query.words);
    if (at !== -1 && words[at + entryWord.server] === serverSlot) {
      const connections = words[at + entryWord.connections]!;
      // 0 already: the entry was made anew since the connection began.
      if (connections > 0) words[at + entryWord.connections] = connections - 1;
      doubles[(at + entryWord.expires) / 2] = query.nowMs + query.timeoutMs;
    }
    unlock(locks, set);
  }

  /**
   * Forgets every client of a server, for a server that failed or was removed. Reads the whole
   * table (about 10 ms for a million entries). A worker that has not yet heard of the failure may
   * bind a client right behind it; so `find` has to be checked all the same.
   *
   * @returns How many entries were dropped.
   */
  removeServer(serverSlot: number): number {
    const { words } = this.#views;
    return this.#removeWhere((at) => words[at + entryWord.server] === serverSlot);
  }

  /** Forgets every client of a service; returns how many entries were dropped. */
  removeService(serviceSlot: number): number {
    const { words } = this.#views;
    return this.#removeWhere((at) => words[at]! >> 1 === serviceSlot + 1);
  }

  /** Bound clients of each server, by server slot; servers without any are not in it. */
  countByServer(nowMs: number): Map<number, number> {
    const { words } = this.#views;
    const counts = new Map<number, number>();
    this.#forEach((at) => {
      if (!this.#isLive(at, nowMs)) return;
      const serverSlot = words[at + entryWord.server]!;
      counts.set(serverSlot, (counts.get(serverSlot) ?? 0) + 1);
    });
    return counts;
  }

  /**
   * Lists bound clients, in no order. No lock is held between two of them.
   *
   * @yields At most `limit` entries, copied.
   */
  *entries(nowMs: number, limit: number): Generator<PersistenceEntry, void, undefined> {
    let left = limit;
    for (let set = 0; set < this.#views.setCount; set++) {
      const found: PersistenceEntry[] = [];
      this.#forEachOf(set, (at) => {
        if (this.#isLive(at, nowMs)) found.push(this.#copy(at, nowMs));
      });
      for (const entry of found) {
        if (left-- <= 0) return;
        yield entry;
      }
    }
  }

  /**
   * Takes what another director knows of a client, for when the client comes here: no connection
   * holds the entry. What is held here, or was used later, stays.
   *
   * @param remainingMs Until it expires; more than the timeout of the query counts as that.
   * @returns False if the table already knew better, or a lock was held too long.
   */
  adopt(query: PersistenceQuery, serverSlot: number, remainingMs: number): boolean {
    const { words, doubles, locks } = this.#views;
    const tag = tagOf(query);
    const set = this.#setOf(query, tag);
    if (!this.#enter(set)) return false;
    const expiresMs = query.nowMs + Math.min(remainingMs, query.timeoutMs);
    let at = this.#search(set, tag, query.words);
    const isNews =
      at === -1 ||
      (words[at + entryWord.connections] === 0 &&
        doubles[(at + entryWord.expires) / 2]! < expiresMs);
    if (isNews) {
      if (at === -1) at = this.#vacate(set, query.nowMs);
      words[at + entryWord.tag] = tag;
      words.set(query.words, at + entryWord.address);
      words[at + entryWord.server] = serverSlot;
      words[at + entryWord.connections] = 0;
      doubles[(at + entryWord.expires) / 2] = expiresMs;
    }
    unlock(locks, set);
    return isNews;
  }

  /**
   * Lists clients whose entry expires after a time of its service: those who were used since then.
   *
   * @param expiresAfterMs By service slot; undefined: none of this service.
   */
  usedSince(
    nowMs: number,
    expiresAfterMs: (serviceSlot: number) => number | undefined,
    limit: number,
  ): PersistenceEntry[] {
    const { words, doubles } = this.#views;
    const found: PersistenceEntry[] = [];
    this.#forEach((at) => {
      if (found.length >= limit || !this.#isLive(at, nowMs)) return;
      const afterMs = expiresAfterMs((words[at]! >> 1) - 1);
      if (afterMs === undefined || doubles[(at + entryWord.expires) / 2]! <= afterMs) return;
      found.push(this.#copy(at, nowMs));
    });
    return found;
  }

  /** Counters of the whole table. */
  counters(): PersistenceCounters {
    const { header, setCount } = this.#views;
    return {
      capacity: setCount * setEntries,
      occupied: Atomics.load(header, headerWord.occupied),
      evictions: Atomics.load(header, headerWord.evictions),
      contended: Atomics.load(header, headerWord.contended),
    };
  }

  #enter(set: number): boolean {
    if (lock(this.#views.locks, set, patience.dataPath)) return true;
    Atomics.add(this.#views.header, headerWord.contended, 1);
    return false;
  }

  #setOf({ words }: PersistenceQuery, tag: number): number {
    let hash = mix(this.#views.seed, tag);
    for (let index = 0; index < 4; index++) hash = mix(hash, words[index]!);
    return (hash ^ (hash >>> 13)) & (this.#views.setCount - 1);
  }

  /** First word of the client's entry, or -1. */
  #search(set: number, tag: number, address: Uint32Array): number {
    const { words } = this.#views;
    const start = set * setEntries * entryWords;
    const end = start + setEntries * entryWords;
    for (let at = start; at < end; at += entryWords) {
      if (
        words[at] === tag &&
        words[at + 1] === (address[0]! | 0) &&
        words[at + 2] === (address[1]! | 0) &&
        words[at + 3] === (address[2]! | 0) &&
        words[at + 4] === (address[3]! | 0)
      ) {
        return at;
      }
    }
    return -1;
  }

  #isLive(at: number, nowMs: number): boolean {
    const { words, doubles } = this.#views;
    return words[at + entryWord.connections]! > 0 || doubles[(at + entryWord.expires) / 2]! > nowMs;
  }

  /** First word of the entry that a new client gets: an empty one if there is one. */
  #vacate(set: number, nowMs: number): number {
    const { header, words, doubles } = this.#views;
    const start = set * setEntries * entryWords;
    const end = start + setEntries * entryWords;
    let victim = start;
    let victimRank = Number.POSITIVE_INFINITY;
    for (let at = start; at < end; at += entryWords) {
      if (words[at] === 0) {
        Atomics.add(header, headerWord.occupied, 1);
        return at;
      }
      const expiresMs = doubles[(at + entryWord.expires) / 2]!;
      // Far above every time, so that entries held by connections come last.
      const rank = words[at + entryWord.connections]! > 0 ? expiresMs + 2 ** 52 : expiresMs;
      if (rank < victimRank) {
        victim = at;
        victimRank = rank;
      }
    }
    if (this.#isLive(victim, nowMs)) Atomics.add(header, headerWord.evictions, 1);
    return victim;
  }

  #copy(at: number, nowMs: number): PersistenceEntry {
    const { words, doubles } = this.#views;
    const tag = words[at]!;
    const address = new Uint8Array(tag % 2 === 1 ? 16 : 4);
    for (let index = 0; index < address.length; index++) {
      const word = words[at + entryWord.address + (index >> 2)]!;
      address[index] = word >>> (24 - (index & 3) * 8);
    }
    return {
      serviceSlot: (tag >> 1) - 1,
      address,
      serverSlot: words[at + entryWord.server]!,
      connections: words[at + entryWord.connections]!,
      remainingMs: Math.max(0, doubles[(at + entryWord.expires) / 2]! - nowMs),
    };
  }

  /** Calls `visit` with the first word of each entry in use of one set, under its lock. */
  #forEachOf(set: number, visit: (at: number) => void): void {
    const { locks, words } = this.#views;
    invariant(lock(locks, set, patience.maintenance), "a persistence lock is never given back");
    const start = set * setEntries * entryWords;
    for (let entry = 0; entry < setEntries; entry++) {
      const at = start + entry * entryWords;
      if (words[at] !== 0) visit(at);
    }
    unlock(locks, set);
  }

  #forEach(visit: (at: number) => void): void {
    for (let set = 0; set < this.#views.setCount; set++) this.#forEachOf(set, visit);
  }

  #removeWhere(isDoomed: (at: number) => boolean): number {
    const { header, words } = this.#views;
    let removed = 0;
    this.#forEach((at) => {
      if (!isDoomed(at)) return;
      words[at] = 0;
      removed++;
    });
    Atomics.sub(header, headerWord.occupied, removed);
    return removed;
  }
}

/** Opens the table of a block made by {@link createPersistenceBuffer}, for the calling thread. */
export function openPersistenceTable(buffer: SharedArrayBuffer): PersistenceTable {
  return new PersistenceTable(viewPersistenceBuffer(buffer));
}
