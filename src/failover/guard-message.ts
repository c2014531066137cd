/**
 * What goes through the pipe to the guard.
 *
 * ```text
 * 1                        beat
 * 2 | u32 length | JSON    what to do when the beats end (`GuardOrders`)
 * 3                        the director ends well: so does the guard
 * 4 | u16 slot | u8 packet | trailer   the end of a signed resignation, with a stamp of now
 * 5 | u32 length | JSON    the fence that the guard keeps (`GuardFenceOrder`)
 * 6 | 0 | u16 slot | u32 0 | f64 sequence | f64 end   a lease in it, ms; 0: close it now
 * ```
 * Little-endian. Pure.
 *
 * @module
 */

import { hmacTrailerBytes } from "../vrrp/index.ts";
import { decodeFrame, encodeFrame, frameLength, FrameStream } from "./frame-stream.ts";

/** A packet that resigns, and where it goes out. */
export interface GuardPacket {
  readonly family: 4 | 6;
  readonly device: string;
  readonly index: number;
  /** This node's own address: the packet must not come from a virtual one. */
  readonly own: string;
  readonly to: string;
  /** Hex text. */
  readonly message: string;
}

/** What the guard does for one virtual router. */
export interface GuardInstance {
  readonly slot: number;
  /** Only who is active resigns: from a backup it would make others take over. */
  readonly isActive: boolean;
  readonly packets: readonly GuardPacket[];
  readonly addresses: readonly {
    readonly index: number;
    readonly address: string;
    readonly prefixBits: number;
  }[];
}

/** What the guard does when the beats end. */
export interface GuardOrders {
  /** Silence after which the director counts as dead, ms. */
  readonly silenceMs: number;
  /** Thread whose end is that of the director; 0: not known. */
  readonly threadId: number;
  /** Pin of the leases; undefined: there is no fence. */
  readonly leasesPin: string | undefined;
  readonly instances: readonly GuardInstance[];
}

/** A fence of nf_tables that the guard is to make, in the place of the one before. */
export interface GuardFenceOrder {
  /** Number of the answer; orders and leases count as one row. */
  readonly sequence: number;
  readonly devices: readonly { readonly index: number; readonly name: string }[];
  /** Addresses by the slots whose leases open them. */
  readonly instances: readonly { readonly id: number; readonly addresses: readonly string[] }[];
}

/** A lease in the guard's fence. */
export interface GuardLease {
  readonly slot: number;
  readonly sequence: number;
  /** ms of the monotonic clock; 0: none, close it now. */
  readonly endMs: number;
}

const beat = 1;
const orders = 2;
const farewell = 3;
const trailer = 4;
const fence = 5;
const lease = 6;
const trailerHeadBytes = 4;
const trailerBytes = trailerHeadBytes + hmacTrailerBytes;
const leaseBytes = 24;

/** One beat. */
export const beatMessage = Uint8Array.of(beat);
/** The end of the director. */
export const farewellMessage = Uint8Array.of(farewell);

/** Orders as bytes. */
export function encodeOrders(value: GuardOrders): Uint8Array {
  return encodeFrame(orders, value);
}

/** A fence as bytes. */
export function encodeFence(value: GuardFenceOrder): Uint8Array {
  return encodeFrame(fence, value);
}

/** A lease as bytes. */
export function encodeLease({ slot, sequence, endMs }: GuardLease): Uint8Array {
  const bytes = new Uint8Array(leaseBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, lease);
  view.setUint16(2, slot, true);
  view.setFloat64(8, sequence, true);
  view.setFloat64(16, endMs, true);
  return bytes;
}

/**
 * Writes the message that renews the trailer of a resignation: the last bytes of its packet.
 *
 * @param out At least {@link renewalBytes}.
 */
export function encodeRenewal(
  out: Uint8Array,
  { slot, packet }: { readonly slot: number; readonly packet: number },
  end: Uint8Array,
): void {
  out[0] = trailer;
  out[1] = slot & 0xff;
  out[2] = slot >> 8;
  out[3] = packet;
  out.set(end, trailerHeadBytes);
}

/** Bytes of the message of {@link encodeRenewal}. */
export const renewalBytes = trailerBytes;

/** What a piece of the stream held. */
export type GuardMessage =
  | { readonly type: "beat" }
  | { readonly type: "farewell" }
  | { readonly type: "orders"; readonly orders: GuardOrders }
  | { readonly type: "fence"; readonly fence: GuardFenceOrder }
  | { readonly type: "lease"; readonly lease: GuardLease }
  /** New end of a resignation's packet. */
  | {
      readonly type: "renewal";
      readonly slot: number;
      readonly packet: number;
      readonly trailer: Uint8Array;
    }
  /** Not of this protocol: a bug. */
  | { readonly type: "broken" };

/** Puts the stream together. Holds at most one set of orders. */
export class GuardReader {
  readonly #stream = new FrameStream(lengthAt);

  /** Messages that are complete with these bytes. */
  read(bytes: Uint8Array): GuardMessage[] {
    return this.#stream.read(bytes).map(messageOf);
  }
}

function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  const type = bytes[at];
  if (type === trailer) return trailerBytes;
  if (type === lease) return leaseBytes;
  return type === orders || type === fence ? frameLength(bytes, at) : 1;
}

function messageOf(bytes: Uint8Array): GuardMessage {
  switch (bytes[0]!) {
    case beat:
      return { type: "beat" };
    case farewell:
      return { type: "farewell" };
    case trailer: {
      const slot = bytes[1]! | (bytes[2]! << 8);
      return { type: "renewal", slot, packet: bytes[3]!, trailer: bytes.slice(trailerHeadBytes) };
    }
    case lease:
      return { type: "lease", lease: leaseOf(bytes) };
    case orders:
    case fence:
      return textMessage(bytes);
    default:
      return { type: "broken" };
  }
}

function leaseOf(bytes: Uint8Array): GuardLease {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [sequence, endMs] = [view.getFloat64(8, true), view.getFloat64(16, true)];
  return { slot: view.getUint16(2, true), sequence, endMs };
}

function textMessage(bytes: Uint8Array): GuardMessage {
  const value = decodeFrame(bytes);
  if (value === undefined) return { type: "broken" };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
  if (bytes[0] === orders) return { type: "orders", orders: value as GuardOrders };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above.
  return { type: "fence", fence: value as GuardFenceOrder };
}
