/**
 * Checksum of VRRP messages, computed in place: no view of the buffer is made.
 *
 * Over IPv4 version 2 covers the message with its authentication data. Version 3 covers the
 * message alone (RFC 9568, section 5.2.8) or a pseudo-header too (RFC 5798 as keepalived, FRR and
 * others read it). Over IPv6 the pseudo-header always counts. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import { vrrpProtocol } from "./advertisement.ts";
import type { Advertisement, Envelope } from "./advertisement.ts";

function sumAddress(address: AddressBytes): number {
  let sum = 0;
  for (let offset = 0; offset < address.length; offset += 2) {
    sum += (address[offset]! << 8) | address[offset + 1]!;
  }
  return sum;
}

/** Unfolded sum of the pseudo-header: addresses, protocol 112, length of the message in bytes. */
export function pseudoHeaderSum({ source, destination }: Envelope, lengthBytes: number): number {
  return sumAddress(source) + sumAddress(destination) + vrrpProtocol + lengthBytes;
}

/** One's complement of the sum of the first `lengthBytes` (even) of `bytes` and `seed`. */
export function messageChecksum(bytes: Uint8Array, lengthBytes: number, seed: number): number {
  let sum = seed;
  for (let offset = 0; offset < lengthBytes; offset += 2) {
    sum += (bytes[offset]! << 8) | bytes[offset + 1]!;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** Sum to start from for a message of this form. */
export function checksumSeed(
  { version, family, dialect }: Pick<Advertisement, "version" | "family" | "dialect">,
  envelope: Envelope,
  lengthBytes: number,
): number {
  if (version === 2) return 0;
  if (family === 4 && dialect === "message") return 0;
  return pseudoHeaderSum(envelope, lengthBytes);
}
