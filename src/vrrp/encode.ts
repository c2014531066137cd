/**
 * Advertisement to bytes, into a buffer of the caller.
 *
 * ```text
 *     version 2                             version 3
 * 0   version << 4 | type 1                 the same
 * 1   virtual router identifier             the same
 * 2   priority                              the same
 * 3   number of addresses                   the same
 * 4   authentication type, interval (s)     4 bits 0, 12 bits interval (10 ms)
 * 6   checksum                              the same
 * 8   addresses, 8 bytes authentication     addresses
 * ```
 * RFC 9568, section 5.1; RFC 3768, section 5.1. Pure.
 *
 * @module
 */

import { invariant } from "../errors/index.ts";
import {
  addressBytesOf,
  addressesMax,
  headerBytes,
  intervalMsMax,
  intervalUnitMs,
  messageBytesOf,
} from "./advertisement.ts";
import type { Advertisement, Envelope } from "./advertisement.ts";
import { checksumSeed, messageChecksum } from "./checksum.ts";

const typeAdvertisement = 1;

/** Fields that would not fit their place can only come from a bug: configuration is validated. */
function requireFields(advertisement: Advertisement): void {
  const { version, family, vrid, priority, intervalMs, addressCount } = advertisement;
  invariant(version === 3 || family === 4, "version 2 carries IPv4 only");
  invariant(vrid >= 1 && vrid <= 255, "VRID is 1..255");
  invariant(priority >= 0 && priority <= 255, "priority is 0..255");
  invariant(addressCount >= 1 && addressCount <= addressesMax, "1..255 addresses");
  const unitMs = intervalUnitMs(version);
  invariant(intervalMs % unitMs === 0, "interval is a multiple of the unit of the wire");
  invariant(intervalMs >= unitMs && intervalMs <= intervalMsMax(version), "interval fits");
}

/**
 * Writes the message to the start of `out`, which must have room for it
 * ({@link messageBytesOf}), and returns its length in bytes. Allocates nothing.
 */
export function encodeAdvertisement(
  advertisement: Advertisement,
  envelope: Envelope,
  out: Uint8Array,
): number {
  requireFields(advertisement);
  const { version, family, addressCount, addresses, authData } = advertisement;
  const length = messageBytesOf(version, family, addressCount);
  invariant(out.length >= length, "the buffer holds the message");
  const interval = advertisement.intervalMs / intervalUnitMs(version);
  out[0] = (version << 4) | typeAdvertisement;
  out[1] = advertisement.vrid;
  out[2] = advertisement.priority;
  out[3] = addressCount;
  out[4] = version === 2 ? advertisement.authType : interval >> 8;
  out[5] = interval & 0xff;
  out[6] = 0;
  out[7] = 0;
  const listBytes = addressCount * addressBytesOf(family);
  for (let offset = 0; offset < listBytes; offset++) out[headerBytes + offset] = addresses[offset]!;
  if (version === 2) out.set(authData, headerBytes + listBytes);
  const checksum = messageChecksum(out, length, checksumSeed(advertisement, envelope, length));
  out[6] = checksum >> 8;
  out[7] = checksum & 0xff;
  return length;
}
