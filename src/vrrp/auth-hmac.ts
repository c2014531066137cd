/**
 * The `auth_hmac` trailer of keepalived 2.4: 28 bytes after the VRRP message.
 *
 * ```text
 * 0   type 1
 * 1   number of the key
 * 2   0
 * 4   time stamp: seconds (u32), fraction of 1/65536 s (u16), counter (u16)
 * 12  HMAC-SHA256, its first 16 bytes
 * ```
 * The HMAC covers 20 bytes (4 or 6, version, VRID, 0, source address filled up to 16), the
 * message with its checksum zero, and the trailer with the HMAC zero. The layout was read in the
 * source of that version, not captured: no packet of it has confirmed this codec, nor the unit of
 * the fraction, of which only the order is used beyond whole seconds.
 *
 * Pure: the HMAC itself is handed in.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import { messageBytesMax } from "./advertisement.ts";
import type { Advertisement } from "./advertisement.ts";
import type { AdvertisementResult } from "./result.ts";

/** Length of the trailer. */
export const hmacTrailerBytes = 28;
const typeHmac = 1;
const stampOffset = 4;
const macOffset = 12;
const macBytes = 16;
const pseudoBytes = 20;

/** Time stamp of a trailer: seconds and 1/65536 of them by the sender's clock, and a counter. */
export interface Stamp {
  seconds: number;
  subseconds: number;
  counter: number;
}

/** Computes HMAC-SHA256 with the keys of one virtual router. */
export interface Mac {
  /**
   * HMAC of the first `lengthBytes` of `data` with key `keyId`, at least 16 bytes, valid until the
   * next call; undefined if there is no such key. Must not throw.
   */
  sign(keyId: number, data: Uint8Array, lengthBytes: number): Uint8Array | undefined;
}

/** Reused memory for what the HMAC covers, and the stamp last read. The caller owns it. */
export interface HmacScratch {
  readonly block: Uint8Array;
  readonly stamp: Stamp;
}

/** Memory for one thread. */
export function createHmacScratch(): HmacScratch {
  return {
    block: new Uint8Array(pseudoBytes + messageBytesMax + hmacTrailerBytes),
    stamp: { seconds: 0, subseconds: 0, counter: 0 },
  };
}

/** A message in `bytes`, and where it comes from. */
export interface HmacPacket {
  readonly bytes: Uint8Array;
  readonly advertisement: Pick<Advertisement, "version" | "family" | "vrid" | "messageBytes">;
  readonly source: AddressBytes;
}

/** Fills the block that the HMAC covers from a packet with its trailer; returns its length. */
function fillBlock(block: Uint8Array, { bytes, advertisement, source }: HmacPacket): number {
  const { messageBytes } = advertisement;
  const length = pseudoBytes + messageBytes + hmacTrailerBytes;
  block.fill(0, 0, pseudoBytes);
  block[0] = advertisement.family;
  block[1] = advertisement.version;
  block[2] = advertisement.vrid;
  block.set(source, 4);
  for (let offset = 0; offset < messageBytes + macOffset; offset++) {
    block[pseudoBytes + offset] = bytes[offset]!;
  }
  block.fill(0, pseudoBytes + 6, pseudoBytes + 8);
  block.fill(0, length - macBytes, length);
  return length;
}

/**
 * Appends the trailer to a message at the start of `packet.bytes` and returns the whole length;
 * 0 if there is no key `keyId`. `packet.advertisement.messageBytes` must be set and the buffer have
 * room. The stamp is taken from `scratch.stamp`.
 */
export function appendHmac(
  packet: HmacPacket,
  scratch: HmacScratch,
  { mac, keyId }: { readonly mac: Mac; readonly keyId: number },
): number {
  const { bytes, advertisement } = packet;
  const start = advertisement.messageBytes;
  const { seconds, subseconds, counter } = scratch.stamp;
  bytes.fill(0, start, start + hmacTrailerBytes);
  bytes[start] = typeHmac;
  bytes[start + 1] = keyId;
  for (let index = 0; index < 4; index++) {
    bytes[start + stampOffset + index] = Math.floor(seconds / 2 ** (24 - 8 * index)) & 0xff;
  }
  bytes[start + stampOffset + 4] = subseconds >> 8;
  bytes[start + stampOffset + 5] = subseconds & 0xff;
  bytes[start + stampOffset + 6] = counter >> 8;
  bytes[start + stampOffset + 7] = counter & 0xff;
  const code = mac.sign(keyId, scratch.block, fillBlock(scratch.block, packet));
  if (code === undefined) return 0;
  for (let index = 0; index < macBytes; index++) bytes[start + macOffset + index] = code[index]!;
  return start + hmacTrailerBytes;
}

/** Verdict of {@link verifyHmac}. */
export type HmacResult = Extract<
  AdvertisementResult,
  "accepted" | "missing-hmac" | "unknown-key" | "bad-hmac"
>;

/**
 * Checks the trailer of a decoded packet in constant time and leaves its stamp in `scratch.stamp`
 * (valid only if accepted; whether it is new is the business of `stamp.ts`).
 */
export function verifyHmac(packet: HmacPacket, scratch: HmacScratch, mac: Mac): HmacResult {
  const { bytes, advertisement } = packet;
  const start = advertisement.messageBytes;
  if (bytes.length !== start + hmacTrailerBytes || bytes[start] !== typeHmac) return "missing-hmac";
  const { block, stamp } = scratch;
  const code = mac.sign(bytes[start + 1]!, block, fillBlock(block, packet));
  if (code === undefined) return "unknown-key";
  let difference = 0;
  for (let index = 0; index < macBytes; index++) {
    difference |= code[index]! ^ bytes[start + macOffset + index]!;
  }
  if (difference !== 0) return "bad-hmac";
  stamp.seconds = 0;
  for (let index = 0; index < 4; index++) {
    stamp.seconds = stamp.seconds * 256 + bytes[start + stampOffset + index]!;
  }
  stamp.subseconds = (bytes[start + stampOffset + 4]! << 8) | bytes[start + stampOffset + 5]!;
  stamp.counter = (bytes[start + stampOffset + 6]! << 8) | bytes[start + stampOffset + 7]!;
  return "accepted";
}
