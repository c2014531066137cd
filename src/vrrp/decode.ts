/**
 * Bytes to advertisement. What comes in is untrusted: nothing is thrown, no byte is read past the
 * end, every drop has its reason. Layout: see `encode.ts`. Pure.
 *
 * @module
 */

import type { Family } from "../net/address.ts";
import { addressBytesOf, headerBytes, intervalUnitMs, messageBytesOf } from "./advertisement.ts";
import type { Advertisement, ChecksumDialect, Envelope } from "./advertisement.ts";
import { hmacTrailerBytes } from "./auth-hmac.ts";
import { checksumSeed, messageChecksum } from "./checksum.ts";
import type { DropReason } from "./result.ts";

/** Outcome of {@link decodeAdvertisement}; constants, so that a flood allocates nothing. */
export type Decoded =
  { readonly ok: true } | { readonly ok: false; readonly reason: DecodeDropReason };

/** Reasons that the bytes themselves give. */
export type DecodeDropReason = Extract<
  DropReason,
  | "truncated"
  | "bad-version"
  | "bad-type"
  | "bad-length"
  | "no-address"
  | "bad-checksum"
  | "zero-interval"
>;

const accepted: Decoded = { ok: true };
const drops = {
  truncated: { ok: false, reason: "truncated" },
  badVersion: { ok: false, reason: "bad-version" },
  badType: { ok: false, reason: "bad-type" },
  badLength: { ok: false, reason: "bad-length" },
  noAddress: { ok: false, reason: "no-address" },
  badChecksum: { ok: false, reason: "bad-checksum" },
  zeroInterval: { ok: false, reason: "zero-interval" },
} as const satisfies Record<string, Decoded>;

/** Dialect whose checksum is right, or undefined. */
function matchDialect(
  bytes: Uint8Array,
  advertisement: Advertisement,
  envelope: Envelope,
): ChecksumDialect | undefined {
  const length = advertisement.messageBytes;
  advertisement.dialect = "pseudo-header";
  let seed = checksumSeed(advertisement, envelope, length);
  if (messageChecksum(bytes, length, seed) === 0) return "pseudo-header";
  if (advertisement.family === 6 || advertisement.version === 2) return undefined;
  advertisement.dialect = "message";
  seed = checksumSeed(advertisement, envelope, length);
  return messageChecksum(bytes, length, seed) === 0 ? "message" : undefined;
}

function readFields(bytes: Uint8Array, out: Advertisement): void {
  const { version, family, addressCount } = out;
  out.vrid = bytes[1]!;
  out.priority = bytes[2]!;
  out.authType = version === 2 ? bytes[4]! : 0;
  // The four bits above the interval are reserved and ignored (RFC 9568, section 5.2.6).
  const interval = version === 2 ? bytes[5]! : ((bytes[4]! & 0x0f) << 8) | bytes[5]!;
  out.intervalMs = interval * intervalUnitMs(version);
  const listBytes = addressCount * addressBytesOf(family);
  for (let offset = 0; offset < listBytes; offset++) {
    out.addresses[offset] = bytes[headerBytes + offset]!;
  }
  for (let offset = 0; offset < out.authData.length; offset++) {
    out.authData[offset] = version === 2 ? bytes[headerBytes + listBytes + offset]! : 0;
  }
}

/**
 * Reads a VRRP message without its IP header into `out`, whose `family` says how the packet came.
 *
 * A trailer of `auth_hmac` may follow the message; `out.messageBytes` says where it starts. After
 * a drop the fields of `out` mean nothing.
 */
export function decodeAdvertisement(
  bytes: Uint8Array,
  envelope: Envelope,
  out: Advertisement,
): Decoded {
  if (bytes.length < headerBytes) return drops.truncated;
  const version = bytes[0]! >> 4;
  if (!isKnownVersion(version, out.family)) return drops.badVersion;
  if ((bytes[0]! & 0x0f) !== 1) return drops.badType;
  out.version = version;
  out.addressCount = bytes[3]!;
  if (out.addressCount === 0) return drops.noAddress;
  out.messageBytes = messageBytesOf(version, out.family, out.addressCount);
  if (bytes.length < out.messageBytes) return drops.truncated;
  const trailer = bytes.length - out.messageBytes;
  if (trailer !== 0 && trailer !== hmacTrailerBytes) return drops.badLength;
  const dialect = matchDialect(bytes, out, envelope);
  if (dialect === undefined) return drops.badChecksum;
  readFields(bytes, out);
  // Errata 8301: an interval of zero would make every listener take over at once.
  return out.intervalMs === 0 ? drops.zeroInterval : accepted;
}

function isKnownVersion(version: number, family: Family): version is 2 | 3 {
  return version === 3 || (version === 2 && family === 4);
}
