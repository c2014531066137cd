/**
 * The table of connections on its way to the other director: everything by walks, what changes by
 * the ring that the program writes (ffi/bpf/balancer-events.h).
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import type { BpfRing } from "../../bpf/index.ts";
import type { ConnectionCopies, ConnectionPortion } from "../engine.ts";
import { isClosedAddress } from "./closed-addresses.ts";
import { portionEntries, PortionWriter } from "./connection-codec.ts";
import type { AddressWidth } from "./connection-codec.ts";
import { ConnectionTaker } from "./connection-taker.ts";
import type { DeviceTo, TakenConnections } from "./connection-taker.ts";
import { CopyIndex } from "./copy-index.ts";
import { eventsBytes, eventWord } from "./copy-layout.ts";
import { decodeConnection, indexKey, sizes } from "./layout.ts";
import type { BalancerProgram } from "./program.ts";
import type { PlannedService } from "./server-records.ts";
import { lifetimeMs } from "./traffic.ts";

/** Steps of one round: more than the ring holds. */
const stepsMax = 32;

const families = [
  { width: 4, map: "connections4" },
  { width: 16, map: "connections6" },
] as const;

/** Memory with keys and values of connections. */
interface Memory {
  readonly keys: Uint8Array;
  readonly values: DataView;
}

/** Where one of them stands. */
interface Place {
  readonly key: number;
  readonly value: number;
  /** When it is looked at. */
  readonly nowMs: number;
}

/** What {@link ConnectionCopier} works with. */
export interface ConnectionCopierOptions {
  readonly program: BalancerProgram;
  readonly deviceTo: DeviceTo;
  /** There is another director: its connections may be here. */
  readonly onWatch: () => void;
}

/** Copies of one engine. */
export class ConnectionCopier implements ConnectionCopies {
  readonly #program: BalancerProgram;
  readonly #taker: ConnectionTaker;
  readonly #onWatch: () => void;
  #services: readonly PlannedService[] = [];
  #lastIndex: CopyIndex | undefined;
  #ring: BpfRing | undefined;
  #lost = 0n;
  #isClosed = false;
  /** For changes, of which there are few as a rule. */
  readonly #writers = {
    four: new PortionWriter(4, portionEntries),
    six: new PortionWriter(16, portionEntries),
  };

  constructor({ program, deviceTo, onWatch }: ConnectionCopierOptions) {
    this.#program = program;
    this.#onWatch = onWatch;
    this.#taker = new ConnectionTaker(program, deviceTo);
  }

  /** Takes note of what is forwarded; to be called when it stands in the kernel. */
  follow(services: readonly PlannedService[]): void {
    this.#services = services;
    this.#lastIndex = undefined;
  }

  watch(isWatched: boolean): void {
    const { kernel } = this.#program;
    const value = new Uint8Array(BigUint64Array.of(isWatched ? 1n : 0n).buffer);
    kernel.update(this.#program.map("event_words"), indexKey(eventWord.isRead), value);
    if (isWatched) {
      this.#onWatch();
      this.#ring ??= kernel.openRing(this.#program.map("events"), eventsBytes);
      this.#lost = this.#readLost();
      return;
    }
    this.#ring?.close();
    this.#ring = undefined;
  }

  /** Ends what is under way; to be called before the maps are closed. */
  close(): void {
    this.watch(false);
    this.#isClosed = true;
  }

  hasLost(): boolean {
    const lost = this.#readLost();
    const hasMore = lost !== this.#lost;
    this.#lost = lost;
    return hasMore;
  }

  *changed(): Generator<ConnectionPortion> {
    for (let step = 0; step < stepsMax && this.#ring !== undefined; step++) {
      const { data } = this.#ring;
      const { four, six } = this.#writers;
      const values = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const memory = { keys: data, values };
      const nowMs = monotonicMs();
      const count = this.#ring.drain(portionEntries, (key, length) => {
        const isFour = length === sizes.connections4.key + sizes.connections4.value;
        const { key: keyBytes } = isFour ? sizes.connections4 : sizes.connections6;
        this.#put(isFour ? four : six, memory, { key, value: key + keyBytes, nowMs });
      });
      yield* portionsOf(four);
      yield* portionsOf(six);
      if (count < portionEntries) return;
    }
  }

  async *walk(): AsyncGenerator<ConnectionPortion> {
    for (const { width, map: name } of families) {
      const closed = this.#closed(width);
      const { key: keyBytes, value: valueBytes } = sizes[name];
      const spec = { map: this.#program.map(name), keyBytes, valueBytes, entries: portionEntries };
      const batch = this.#program.kernel.openBatch(spec);
      const memory = { keys: batch.keys, values: new DataView(batch.values.buffer) };
      const writer = new PortionWriter(width, portionEntries);
      for (let count = batch.next(); count > 0; count = batch.next()) {
        const nowMs = monotonicMs();
        for (let entry = 0; entry < count; entry++) {
          const key = entry * keyBytes;
          const isClosed = closed.size > 0 && closed.has(virtualOf(batch.keys, key, width));
          if (!isClosed) this.#put(writer, memory, { key, value: entry * valueBytes, nowMs });
        }
        yield* portionsOf(writer);
        // Others have their turn, also where nothing was to be told.
        await new Promise<void>((resolve) => void setImmediate(resolve));
        if (this.#isClosed) return;
      }
    }
  }

  take(bytes: Uint8Array): TakenConnections | undefined {
    return this.#taker.take(bytes, this.#index());
  }

  #index(): CopyIndex {
    this.#lastIndex ??= new CopyIndex(this.#services);
    return this.#lastIndex;
  }

  /** Adds an entry if its real server is here still, and it is not over. */
  #put(writer: PortionWriter, { keys, values }: Memory, place: Place): void {
    const connection = decodeConnection(values, place.value);
    const server = this.#index().servers.get(connection.server);
    if (server === undefined || server.generation !== connection.generation) return;
    const { state, seenMs } = connection;
    const ageMs = Math.max(0, place.nowMs - seenMs);
    if (ageMs > lifetimeMs(server.planned, { connection, isOpening: false })) return;
    const ageS = Math.floor(ageMs / 1000);
    const { address, port, isFallback } = server;
    writer.add(keys, place.key, { address, port, isFallback, state, ageS });
  }

  #readLost(): bigint {
    const value = new BigUint64Array(1);
    const map = this.#program.map("event_words");
    this.#program.kernel.lookup(map, indexKey(eventWord.lost), new Uint8Array(value.buffer));
    return value[0]!;
  }

  /** Virtual addresses of a family that this director does not answer for, hex. */
  #closed(width: AddressWidth): Set<string> {
    const all = this.#index().addresses.filter(({ length }) => length === width);
    const closed = all.filter((address) => isClosedAddress(this.#program, address));
    return new Set(closed.map((address) => address.toHex()));
  }
}

function portionsOf(writer: PortionWriter): ConnectionPortion[] {
  return writer.entries === 0 ? [] : [{ entries: writer.entries, bytes: writer.finish() }];
}

/** Virtual address of a key, hex. */
function virtualOf(keys: Uint8Array, key: number, width: AddressWidth): string {
  return keys.subarray(key + width, key + 2 * width).toHex();
}
