/**
 * `struct sockaddr_in` and `sockaddr_in6` (linux/in.h, linux/in6.h) as bytes.
 *
 * ```text
 * in:   family u16 host | port u16 net | address 4 | zero 8                      16 bytes
 * in6:  family u16 host | port u16 net | flowinfo 4 | address 16 | scope id 4    28 bytes
 * ```
 * Pure.
 *
 * @module
 */

import { AF_INET, AF_INET6 } from "./constants/socket.ts";

/** Bytes of the larger form; a buffer of this size takes either. */
export const sockaddrBytesMax = 28;

/** Where the address stands within `struct sockaddr_in` (4) and `sockaddr_in6` (6). */
export function addressOffset(family: 4 | 6): number {
  return family === 4 ? 4 : 8;
}

/**
 * Encodes an address of 4 or 16 bytes with a port.
 *
 * @returns 16 or 28 bytes, fit for bind(2) and connect(2).
 */
export function encodeSockaddr(address: Uint8Array, port: number): Uint8Array {
  const isIpv4 = address.length === 4;
  const bytes = new Uint8Array(isIpv4 ? 16 : 28);
  new DataView(bytes.buffer).setUint16(0, isIpv4 ? AF_INET : AF_INET6, true);
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(address, isIpv4 ? 4 : 8);
  return bytes;
}

/** Address and port; undefined for another family. IPv4 mapped into IPv6 stays IPv6. */
export function decodeSockaddr(
  bytes: Uint8Array,
): { readonly address: Uint8Array; readonly port: number } | undefined {
  if (bytes.length < 8) return undefined;
  const family = bytes[0]! | (bytes[1]! << 8);
  const port = (bytes[2]! << 8) | bytes[3]!;
  if (family === AF_INET) return { address: bytes.slice(4, 8), port };
  if (family === AF_INET6 && bytes.length >= 24) return { address: bytes.slice(8, 24), port };
  return undefined;
}
