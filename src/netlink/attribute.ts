/**
 * Netlink attributes (netlink(7), linux/netlink.h `struct nlattr`): written as data, read through
 * checks. Pure.
 *
 * ```text
 *  0               2               4
 * +---------------+---------------+---------------------+- - - -+
 * | length (with  | N O   type    | data                | pad   |
 * | the head)     |               |                     | to 4  |
 * +---------------+---------------+---------------------+- - - -+
 * ```
 *
 * Numbers are little-endian, the order of both supported processors, unless a name says `be`:
 * many fields are big-endian by their definition, and no header tells which.
 *
 * @module
 */

import { NLA_F_NESTED, NLA_F_NET_BYTEORDER } from "../../ffi/constants/netlink.ts";
import { invariant } from "../errors/index.ts";
import type { Fault } from "./decoded.ts";

const headBytes = 4;
const typeMask = ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER) & 0xffff;
/** The length field has 16 bits. */
const attributeBytesMax = 0xffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An attribute to send; `type` with its flags. */
export interface Attribute {
  readonly type: number;
  readonly data: Uint8Array;
}

/** `length` rounded up to where the next attribute or message starts. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}

/** One after another, as new bytes. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Attributes one after another, each padded to four bytes. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const length = attributes.reduce((sum, { data }) => sum + align4(headBytes + data.length), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const { type, data } of attributes) {
    const attributeBytes = headBytes + data.length;
    invariant(attributeBytes <= attributeBytesMax, `attribute ${type} fits its length field`);
    view.setUint16(offset, attributeBytes, true);
    view.setUint16(offset + 2, type, true);
    bytes.set(data, offset + headBytes);
    offset += align4(attributeBytes);
  }
  return bytes;
}

function number(type: number, length: number, set: (view: DataView) => void): Attribute {
  const data = new Uint8Array(length);
  set(new DataView(data.buffer));
  return { type, data };
}

/** Builds one attribute of each kind; the first argument is its type. */
export const attribute = {
  bytes: (type: number, data: Uint8Array): Attribute => ({ type, data }),
  /** Present or not, without a value. */
  flag: (type: number): Attribute => ({ type, data: new Uint8Array(0) }),
  u8: (type: number, value: number): Attribute => ({ type, data: Uint8Array.of(value) }),
  u16: (type: number, value: number): Attribute =>
    number(type, 2, (view) => view.setUint16(0, value, true)),
  u32: (type: number, value: number): Attribute =>
    number(type, 4, (view) => view.setUint32(0, value, true)),
  u64: (type: number, value: bigint): Attribute =>
    number(type, 8, (view) => view.setBigUint64(0, value, true)),
  be16: (type: number, value: number): Attribute =>
    number(type, 2, (view) => view.setUint16(0, value)),
  be32: (type: number, value: number): Attribute =>
    number(type, 4, (view) => view.setUint32(0, value)),
  be64: (type: number, value: bigint): Attribute =>
    number(type, 8, (view) => view.setBigUint64(0, value)),
  /** With the zero byte that most of the kernel expects. */
  text: (type: number, value: string): Attribute => ({
    type,
    data: encoder.encode(`${value}\0`),
  }),
  nested: (type: number, attributes: readonly Attribute[]): Attribute => ({
    type: type | NLA_F_NESTED,
    data: encodeAttributes(attributes),
  }),
} as const;

/** Where readers of one message note what they could not read. */
interface FaultNote {
  first: Fault | undefined;
}

interface Entry {
  readonly type: number;
  readonly data: Uint8Array;
}

function* walk(bytes: Uint8Array, note: FaultNote): Generator<Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  // Fewer bytes than a head are padding.
  while (offset + headBytes <= bytes.length) {
    const length = view.getUint16(offset, true);
    if (length < headBytes || offset + length > bytes.length) {
      note.first ??= "truncated";
      return;
    }
    const type = view.getUint16(offset + 2, true) & typeMask;
    yield { type, data: bytes.subarray(offset + headBytes, offset + length) };
    offset += align4(length);
  }
}

/**
 * Attributes of a message or of a nest, by type; of doubles the last counts, as in the kernel.
 *
 * A getter gives undefined where there is no such attribute, and also where there is one that
 * cannot be read; then {@link fault} tells, of the whole message at once. So a decoder reads all it
 * wants and asks for the fault in the end. Nothing throws. Byte arrays are views of the input.
 */
export class AttributeReader {
  readonly #dataByType = new Map<number, Uint8Array>();
  readonly #note: FaultNote;

  constructor(bytes: Uint8Array, note: FaultNote = { first: undefined }) {
    this.#note = note;
    for (const { type, data } of walk(bytes, note)) this.#dataByType.set(type, data);
  }

  /** The first thing that was wrong, here or in a nest read through this reader. */
  get fault(): Fault | undefined {
    return this.#note.first;
  }

  has(type: number): boolean {
    return this.#dataByType.has(type);
  }

  /** @param bytesMin Shorter data is a fault; longer is not, structures grow with the kernel. */
  bytes(type: number, bytesMin = 0): Uint8Array | undefined {
    const data = this.#dataByType.get(type);
    if (data === undefined || data.length >= bytesMin) return data;
    this.#note.first ??= "bad-length";
    return undefined;
  }

  /** As {@link bytes}, but of this length and no other. */
  exactly(type: number, length: number): Uint8Array | undefined {
    const data = this.#dataByType.get(type);
    if (data === undefined || data.length === length) return data;
    this.#note.first ??= "bad-length";
    return undefined;
  }

  #view(type: number, length: number): DataView | undefined {
    const data = this.exactly(type, length);
    return data && new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  u8(type: number): number | undefined {
    return this.#view(type, 1)?.getUint8(0);
  }

  u16(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0, true);
  }

  u32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0, true);
  }

  u64(type: number): bigint | undefined {
    return this.#view(type, 8)?.getBigUint64(0, true);
  }

  be16(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0);
  }

  be32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0);
  }

  be64(type: number): bigint | undefined {
    return this.#view(type, 8)?.getBigUint64(0);
  }

  /** Text up to the first zero byte, or all of it. */
  text(type: number): string | undefined {
    const data = this.#dataByType.get(type);
    if (data === undefined) return undefined;
    const end = data.indexOf(0);
    return decoder.decode(end === -1 ? data : data.subarray(0, end));
  }

  nested(type: number): AttributeReader | undefined {
    const data = this.#dataByType.get(type);
    return data && new AttributeReader(data, this.#note);
  }

  /** Data of each attribute in a nest, in order, doubles included: the kernel's arrays. */
  list(type: number): readonly Uint8Array[] {
    const data = this.#dataByType.get(type);
    return data === undefined ? [] : Array.from(walk(data, this.#note), (entry) => entry.data);
  }
}
