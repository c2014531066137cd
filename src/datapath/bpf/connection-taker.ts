/**
 * Connections of the other director on their way into the table of this one.
 *
 * They are written many at once where this director does not answer for the virtual address: nobody
 * else writes there. Where it does, only what is not there is taken. The interface towards a client
 * is one of this host; where it is wrong, the next packet of the client puts it right.
 *
 * @module
 */

import type { BpfEntries } from "../../../ffi/bpf-batch.ts";
import { monotonicMs } from "../../../ffi/clock.ts";
import { formatAddress, maskAddress } from "../../net/address.ts";
import { isClosedAddress } from "./closed-addresses.ts";
import { portionEntries, PortionReader, recordOffset } from "./connection-codec.ts";
import type { AddressWidth } from "./connection-codec.ts";
import { endpointKey } from "./copy-index.ts";
import type { CopyIndex, CopyServer } from "./copy-index.ts";
import { encodeSharedReply, putConnection } from "./copy-layout.ts";
import { decodeServer, indexKey, serverFlag, sizes } from "./layout.ts";
import type { BalancerProgram } from "./program.ts";

/** Number of the interface towards a client; 0: not known. */
export type DeviceTo = (client: Uint8Array) => number;

/** Clients of one network of this size are reached by one interface. */
const networkBits = { 4: 24, 16: 64 } as const;
/** Routes that are asked for while one portion is taken: some ms. Others are as the last one. */
const routesMax = 256;
/** Routes that are remembered, and for how long, ms. */
const knownRoutesMax = 65_536;
const knownRoutesMs = 10_000;

/** Keys and values to be written. */
class Entries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly view: DataView;
  readonly #keyBytes: number;
  readonly #valueBytes: number;
  count = 0;

  constructor(width: AddressWidth) {
    const { key, value } = width === 4 ? sizes.connections4 : sizes.connections6;
    this.#keyBytes = key;
    this.#valueBytes = value;
    this.keys = new Uint8Array(key * portionEntries);
    this.values = new Uint8Array(value * portionEntries);
    this.view = new DataView(this.values.buffer);
  }

  /** Adds the flow of a record. @returns Where its value belongs. */
  add({ bytes, width }: PortionReader, at: number): number {
    const key = this.count * this.#keyBytes;
    const addresses = at + recordOffset.addresses;
    for (let index = 0; index < 2 * width; index++) {
      this.keys[key + index] = bytes[addresses + index]!;
    }
    const ports = at + recordOffset.clientPort;
    for (let index = 0; index < 4; index++) {
      this.keys[key + 2 * width + index] = bytes[ports + index]!;
    }
    this.keys[key + 2 * width + 4] = bytes[at + recordOffset.protocol]!;
    this.count += 1;
    return (this.count - 1) * this.#valueBytes;
  }

  all(): BpfEntries {
    const [keys, values] = [this.keys, this.values];
    return {
      keys: keys.subarray(0, this.count * this.#keyBytes),
      values: values.subarray(0, this.count * this.#valueBytes),
      count: this.count,
    };
  }

  one(entry: number): [key: Uint8Array, value: Uint8Array] {
    const [keyBytes, valueBytes] = [this.#keyBytes, this.#valueBytes];
    return [
      this.keys.subarray(entry * keyBytes, (entry + 1) * keyBytes),
      this.values.subarray(entry * valueBytes, (entry + 1) * valueBytes),
    ];
  }
}

/** How many connections a portion had, and how many were taken. */
export interface TakenConnections {
  readonly entries: number;
  readonly taken: number;
}

/** Takes portions into the table of one program. */
export class ConnectionTaker {
  readonly #program: BalancerProgram;
  readonly #deviceTo: DeviceTo;
  /** Interfaces by network of the client. */
  readonly #devices = new Map<number | string, number>();
  #devicesUntilMs = 0;
  #lastDevice = 0;

  constructor(program: BalancerProgram, deviceTo: DeviceTo) {
    this.#program = program;
    this.#deviceTo = deviceTo;
  }

  /** See `ConnectionCopies`. */
  take(bytes: Uint8Array, index: CopyIndex): TakenConnections | undefined {
    const reader = PortionReader.open(bytes);
    if (reader === undefined) return undefined;
    const { width } = reader;
    const [closed, open] = [new Entries(width), new Entries(width)];
    const isClosed = this.#closedOnes();
    const isShared = this.#sharedOnes();
    const deviceOf = this.#devicesFor(reader);
    const nowMs = monotonicMs();
    for (let entry = 0; entry < reader.entries; entry++) {
      const at = reader.at(entry);
      const server = index.find(reader, at);
      if (server === undefined) continue;
      const entries = isClosed(reader, at) ? closed : open;
      const value = entries.add(reader, at);
      putConnection(entries.view, value, {
        server: server.index,
        generation: server.generation,
        seenMs: Math.max(0, nowMs - reader.ageS(at) * 1000),
        state: reader.state(at),
        device: deviceOf(at),
      });
      if (isShared(server)) this.#writeReply(reader, at, server);
    }
    return { entries: reader.entries, taken: this.#write(width, { closed, open }) };
  }

  #write(width: AddressWidth, { closed, open }: { closed: Entries; open: Entries }): number {
    const { kernel } = this.#program;
    const map = this.#program.map(width === 4 ? "connections4" : "connections6");
    kernel.updateMany(map, closed.all());
    let written = closed.count;
    for (let entry = 0; entry < open.count; entry++) {
      if (kernel.insert(map, ...open.one(entry))) written += 1;
    }
    return written;
  }

  /** Says of the virtual address of a record whether another director answers for it. */
  #closedOnes(): (reader: PortionReader, at: number) => boolean {
    const known = new Map<number | string, boolean>();
    return ({ bytes, width }, at) => {
      const offset = at + recordOffset.addresses + width;
      const key = endpointKey(bytes, offset, { width, port: 0, flag: false });
      const before = known.get(key);
      if (before !== undefined) return before;
      const isClosed = isClosedAddress(this.#program, bytes.slice(offset, offset + width));
      known.set(key, isClosed);
      return isClosed;
    };
  }

  /** Says of a real server whether the answers of several services come from its port. */
  #sharedOnes(): (server: CopyServer) => boolean {
    const known = new Map<number, boolean>();
    const { kernel } = this.#program;
    const map = this.#program.map("servers");
    return ({ index, planned }) => {
      if (planned.service.forwarding !== "masq") return false;
      const before = known.get(index);
      if (before !== undefined) return before;
      const value = new Uint8Array(sizes.servers.value);
      kernel.lookup(map, indexKey(index), value);
      const isShared = (decodeServer(value).flags & serverFlag.shared) !== 0;
      known.set(index, isShared);
      return isShared;
    };
  }

  #writeReply(reader: PortionReader, at: number, server: CopyServer): void {
    const { bytes, width } = reader;
    const addresses = at + recordOffset.addresses;
    const client = {
      address: bytes.subarray(addresses, addresses + width),
      port: reader.port(at, recordOffset.clientPort),
    };
    const virtual = {
      address: formatAddress(bytes.subarray(addresses + width, addresses + 2 * width)),
      port: reader.port(at, recordOffset.virtualPort),
    };
    const protocol = bytes[at + recordOffset.protocol]!;
    const entry = encodeSharedReply(server, client, { virtual, protocol });
    this.#program.kernel.update(this.#program.map("replies"), ...entry);
  }

  /** Finds the interface towards the client of a record. */
  #devicesFor({ bytes, width }: PortionReader): (at: number) => number {
    const nowMs = monotonicMs();
    if (nowMs > this.#devicesUntilMs || this.#devices.size > knownRoutesMax) {
      this.#devices.clear();
      this.#devicesUntilMs = nowMs + knownRoutesMs;
    }
    let asked = 0;
    return (at) => {
      const offset = at + recordOffset.addresses;
      const address = bytes.subarray(offset, offset + width);
      const network = maskAddress(address, networkBits[width]);
      const key = endpointKey(network, 0, { width, port: 0, flag: false });
      const known = this.#devices.get(key);
      if (known !== undefined) return known;
      if (asked >= routesMax) return this.#lastDevice;
      asked += 1;
      this.#lastDevice = this.#deviceTo(address);
      this.#devices.set(key, this.#lastDevice);
      return this.#lastDevice;
    };
  }
}
