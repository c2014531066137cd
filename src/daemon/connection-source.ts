/**
 * Connections of the bpf engine for the other director. An engine has them from its first service
 * on, and another time anew: then everything is to be told.
 *
 * @module
 */

import type { ConnectionCopies, ConnectionPortion, Engine } from "../datapath/index.ts";
import type { EntryPortion, EntrySource } from "./entry-copy.ts";

/** Between two rounds, ms: a connection that is younger may break at a takeover. */
const roundMs = 100;

function portionOf({ entries, bytes }: ConnectionPortion): EntryPortion {
  return { entries, body: bytes };
}

/** One at a time: what is not asked for stays where it is. */
function* portionsOf(portions: Iterable<ConnectionPortion>): Generator<EntryPortion> {
  for (const portion of portions) yield portionOf(portion);
}

class ConnectionSource implements EntrySource {
  readonly roundMs = roundMs;
  readonly #engine: Pick<Engine, "copies">;
  #isWatched = false;
  #watched: ConnectionCopies | undefined;

  constructor(engine: Pick<Engine, "copies">) {
    this.#engine = engine;
  }

  watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    this.#follow();
  }

  async *walk(): AsyncGenerator<EntryPortion> {
    this.#follow();
    for await (const portion of this.#watched?.walk() ?? []) yield portionOf(portion);
  }

  changed(): Iterable<EntryPortion> | undefined {
    if (this.#follow() || this.#watched?.hasLost() === true) return undefined;
    return portionsOf(this.#watched?.changed() ?? []);
  }

  take(body: Uint8Array): { readonly entries: number; readonly taken: number } | undefined {
    const { copies } = this.#engine;
    // No service here is carried by bpf: none of them counts.
    return copies === undefined ? { entries: 0, taken: 0 } : copies.take(body);
  }

  /** Watches what the engine has now. @returns True if that is another one than before. */
  #follow(): boolean {
    const { copies } = this.#engine;
    const wanted = this.#isWatched ? copies : undefined;
    const before = this.#watched;
    if (wanted === before) return false;
    this.#watched = wanted;
    // What the engine has closed is not to be touched.
    if (before !== undefined && before === copies) before.watch(false);
    wanted?.watch(true);
    return true;
  }
}

/** The connections that an engine has copies of. */
export function createConnectionSource(engine: Pick<Engine, "copies">): EntrySource {
  return new ConnectionSource(engine);
}
