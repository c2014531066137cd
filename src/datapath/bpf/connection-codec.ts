/**
 * Connections as one director tells them to the other: by addresses and ports, with ages instead of
 * times. Numbers, interfaces and generations of this host stay here.
 *
 * ```text
 * portion  family u8 (4 or 6) | records
 * record    0 protocol u8     1 state u8      2 flags u8 (1: the server is the fallback)   3 zero
 *           4 age in s u32    8 client port  10 virtual port  12 server port              14 zero
 *          16 client | virtual address | address of the server      4 or 16 bytes each
 * ```
 * Numbers in network order. A state has the bits of `connectionState`. Pure.
 *
 * @module
 */

import { connectionState } from "./layout.ts";

/** Bytes of a record before its addresses. */
const headBytes = 16;
const stateMax =
  connectionState.clientClosed | connectionState.serverClosed | connectionState.reset;
const flagFallback = 1;
const tcp = 6;
const udp = 17;

/** Entries of a portion at most: 115 KB of IPv4, some ms of work on either side. */
export const portionEntries = 4096;

/** Bytes of an address, as keys of the tables have them. */
export type AddressWidth = 4 | 16;

/** Where things stand in a record. */
export const recordOffset = {
  protocol: 0,
  state: 1,
  flags: 2,
  age: 4,
  clientPort: 8,
  virtualPort: 10,
  serverPort: 12,
  addresses: headBytes,
} as const;

/** Bytes of one record. */
export function recordBytesOf(width: AddressWidth): number {
  return headBytes + 3 * width;
}

/** What a record says besides the flow. */
export interface ConnectionRest {
  /** The server. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly isFallback: boolean;
  readonly state: number;
  /** Since its last packet, s. */
  readonly ageS: number;
}

/** Collects records of one family. */
export class PortionWriter {
  readonly #width: AddressWidth;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #entries = 0;

  /** @param entriesMax How many it has room for. */
  constructor(width: AddressWidth, entriesMax: number) {
    this.#width = width;
    this.#bytes = new Uint8Array(1 + entriesMax * recordBytesOf(width));
    this.#bytes[0] = width === 4 ? 4 : 6;
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many were added since {@link finish}. */
  get entries(): number {
    return this.#entries;
  }

  /** @param flow Holds a key of the table of connections at `offset`. */
  add(flow: Uint8Array, offset: number, rest: ConnectionRest): void {
    const width = this.#width;
    const [bytes, view] = [this.#bytes, this.#view];
    const at = 1 + this.#entries * recordBytesOf(width);
    const ports = offset + 2 * width;
    bytes[at + recordOffset.protocol] = flow[ports + 4]!;
    bytes[at + recordOffset.state] = rest.state;
    bytes[at + recordOffset.flags] = rest.isFallback ? flagFallback : 0;
    view.setUint32(at + recordOffset.age, rest.ageS);
    for (let index = 0; index < 4; index++) {
      bytes[at + recordOffset.clientPort + index] = flow[ports + index]!;
    }
    view.setUint16(at + recordOffset.serverPort, rest.port);
    const addresses = at + recordOffset.addresses;
    for (let index = 0; index < 2 * width; index++) {
      bytes[addresses + index] = flow[offset + index]!;
    }
    for (let index = 0; index < width; index++) {
      bytes[addresses + 2 * width + index] = rest.address[index]!;
    }
    this.#entries += 1;
  }

  /** What was added since the last call. */
  finish(): Uint8Array {
    const bytes = this.#bytes.slice(0, 1 + this.#entries * recordBytesOf(this.#width));
    this.#entries = 0;
    return bytes;
  }
}

/** Reads the records of one portion. */
export class PortionReader {
  readonly width: AddressWidth;
  readonly entries: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  private constructor(bytes: Uint8Array, width: AddressWidth, entries: number) {
    this.bytes = bytes;
    this.width = width;
    this.entries = entries;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Undefined if the bytes are no portion. */
  static open(bytes: Uint8Array): PortionReader | undefined {
    const family = bytes[0];
    if (family !== 4 && family !== 6) return undefined;
    const width = family === 4 ? 4 : 16;
    const entries = (bytes.length - 1) / recordBytesOf(width);
    if (!Number.isInteger(entries) || entries > portionEntries) return undefined;
    const reader = new PortionReader(bytes, width, entries);
    for (let entry = 0; entry < entries; entry++) if (!reader.#isRight(entry)) return undefined;
    return reader;
  }

  /** Offset of a record in {@link bytes}. */
  at(entry: number): number {
    return 1 + entry * recordBytesOf(this.width);
  }

  ageS(at: number): number {
    return this.#view.getUint32(at + recordOffset.age);
  }

  /** A port, by its offset of {@link recordOffset}. */
  port(at: number, which: number): number {
    return this.#view.getUint16(at + which);
  }

  state(at: number): number {
    return this.bytes[at + recordOffset.state]!;
  }

  isUdp(at: number): boolean {
    return this.bytes[at + recordOffset.protocol] === udp;
  }

  isFallback(at: number): boolean {
    return (this.bytes[at + recordOffset.flags]! & flagFallback) !== 0;
  }

  #isRight(entry: number): boolean {
    const at = this.at(entry);
    const protocol = this.bytes[at];
    return (protocol === tcp || protocol === udp) && this.state(at) <= stateMax;
  }
}
