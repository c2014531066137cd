/**
 * What goes through the pipe to the guard.
 *
 * ```text
 * 1                        beat
 * 2 | u32 length | JSON    what to do when the beats end (`GuardOrders`)
 * 3                        the director ends well: so does the guard
 * 4 | u16 slot | u8 packet | trailer   the end of a signed resignation, with a stamp of now
 * ```
 * Little-endian. Pure.
 *
 * @module
 */

import { hmacTrailerBytes } from "../vrrp/index.ts";

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

const beat = 1;
const orders = 2;
const farewell = 3;
const trailer = 4;
const headBytes = 5;
const trailerHeadBytes = 4;
const trailerBytes = trailerHeadBytes + hmacTrailerBytes;
/** More than 256 virtual routers of 200 addresses take. */
const ordersBytesMax = 16 * 1024 * 1024;

/** One beat. */
export const beatMessage = Uint8Array.of(beat);
/** The end of the director. */
export const farewellMessage = Uint8Array.of(farewell);

/** Orders as bytes. */
export function encodeOrders(value: GuardOrders): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(headBytes + text.length);
  bytes[0] = orders;
  new DataView(bytes.buffer).setUint32(1, text.length, true);
  bytes.set(text, headBytes);
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
  #waiting = new Uint8Array(0);

  /** Messages that are complete with these bytes. */
  read(bytes: Uint8Array): GuardMessage[] {
    const all = new Uint8Array(this.#waiting.length + bytes.length);
    all.set(this.#waiting);
    all.set(bytes, this.#waiting.length);
    const messages: GuardMessage[] = [];
    let at = 0;
    while (at < all.length) {
      const length = lengthAt(all, at);
      if (length === undefined) break;
      messages.push(messageOf(all.subarray(at, at + length)));
      at += length;
    }
    this.#waiting = all.slice(at);
    return messages;
  }
}

/** Bytes of the message at an offset; undefined if it is not complete. */
function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === trailer) return bytes.length - at < trailerBytes ? undefined : trailerBytes;
  if (bytes[at] !== orders) return 1;
  if (bytes.length - at < headBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1, true);
  if (length > ordersBytesMax) return bytes.length - at;
  return bytes.length - at < headBytes + length ? undefined : headBytes + length;
}

function messageOf(bytes: Uint8Array): GuardMessage {
  if (bytes[0] === beat) return { type: "beat" };
  if (bytes[0] === farewell) return { type: "farewell" };
  if (bytes[0] === trailer) {
    const slot = bytes[1]! | (bytes[2]! << 8);
    return { type: "renewal", slot, packet: bytes[3]!, trailer: bytes.slice(trailerHeadBytes) };
  }
  if (bytes[0] !== orders) return { type: "broken" };
  try {
    const text = new TextDecoder().decode(bytes.subarray(headBytes));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
    return { type: "orders", orders: JSON.parse(text) as GuardOrders };
  } catch {
    return { type: "broken" };
  }
}
