/**
 * The advertisement, the only VRRP packet (RFC 9568, section 5; version 2: RFC 3768, section 5).
 *
 * One record is made for each direction and used again for every packet, so that the thread which
 * sends and hears advertisements allocates nothing. Pure.
 *
 * @module
 */

import type { AddressBytes, Family } from "../net/address.ts";

/** Version of the protocol. Version 2 knows IPv4 only. */
export type VrrpVersion = 2 | 3;

/** Priority that resigns: the active director is about to stop (RFC 9568, section 5.2.4). */
export const resignPriority = 0;
/** Priority of the director that owns the virtual addresses as its own. */
export const ownerPriority = 255;
/** The count on the wire has 8 bits. */
export const addressesMax = 255;
/** Fixed fields before the addresses. */
export const headerBytes = 8;
/** Authentication data that ends each packet of version 2, zero if there is none. */
export const authDataBytes = 8;
/** Longest message without a trailer: 255 IPv6 addresses. */
export const messageBytesMax = headerBytes + addressesMax * 16 + authDataBytes;
/** IP protocol number of VRRP. */
export const vrrpProtocol = 112;
/** IPv4 group of VRRP, 224.0.0.18. */
export const multicastIpv4: AddressBytes = Uint8Array.of(224, 0, 0, 18);
/** IPv6 group of VRRP, ff02::12. */
export const multicastIpv6: AddressBytes = Uint8Array.fromHex("ff020000000000000000000000000012");

/** Checksum with the pseudo-header (RFC 5798, keepalived), or of the message alone (RFC 9568). */
export type ChecksumDialect = "pseudo-header" | "message";

/** Authentication of version 2 by a password in clear text; 0 is none. */
export const authTypePassword = 1;

/** One advertisement, sent or heard. The record is reused: copy what must last. */
export interface Advertisement {
  version: VrrpVersion;
  family: Family;
  /** Virtual router identifier, 1..255. */
  vrid: number;
  /** 0 resigns, 1..254 backs up, 255 owns the addresses. */
  priority: number;
  /** Interval as it stands on the wire: whole seconds in version 2, 10 ms units in version 3. */
  intervalMs: number;
  /** Addresses in {@link addresses}, 1..255. */
  addressCount: number;
  /** Room for 255 addresses of 16 bytes; each takes 4 or 16, one after the other. */
  readonly addresses: Uint8Array;
  /** Version 2 only: 0 none, 1 password, 2 AH (never accepted). */
  authType: number;
  /** Version 2 only: 8 bytes, the password filled up with zeros. */
  readonly authData: Uint8Array;
  /** IPv4 and version 3: what the checksum covers; both are accepted. */
  dialect: ChecksumDialect;
  /** Set by decoding: bytes of the message without a trailer. */
  messageBytes: number;
}

/** Addresses of the IP header around a message; they are part of some checksums. */
export interface Envelope {
  readonly source: AddressBytes;
  readonly destination: AddressBytes;
}

/** An empty record of version 3. The caller owns it. */
export function createAdvertisement(family: Family): Advertisement {
  return {
    version: 3,
    family,
    vrid: 1,
    priority: 100,
    intervalMs: 1000,
    addressCount: 0,
    addresses: new Uint8Array(addressesMax * 16),
    authType: 0,
    authData: new Uint8Array(authDataBytes),
    dialect: "pseudo-header",
    messageBytes: 0,
  };
}

/** Unit of the interval on the wire, in ms. */
export function intervalUnitMs(version: VrrpVersion): number {
  return version === 2 ? 1000 : 10;
}

/** Largest interval the wire can say, in ms: 255 s, or 40.95 s. */
export function intervalMsMax(version: VrrpVersion): number {
  return version === 2 ? 255_000 : 40_950;
}

/** Bytes of one address of a family. */
export function addressBytesOf(family: Family): number {
  return family === 4 ? 4 : 16;
}

/** Bytes of a message with so many addresses, without a trailer. */
export function messageBytesOf(version: VrrpVersion, family: Family, count: number): number {
  const body = headerBytes + count * addressBytesOf(family);
  return version === 2 ? body + authDataBytes : body;
}

/** Puts `addresses` (1..255, all of the record's family) into the record. */
export function setAddresses(
  advertisement: Advertisement,
  addresses: readonly AddressBytes[],
): void {
  const size = addressBytesOf(advertisement.family);
  for (const [index, address] of addresses.entries()) {
    advertisement.addresses.set(address, index * size);
  }
  advertisement.addressCount = addresses.length;
}

/** Puts a password of 1..8 bytes into the record, for version 2. */
export function setPassword(advertisement: Advertisement, password: Uint8Array): void {
  advertisement.authType = authTypePassword;
  advertisement.authData.fill(0);
  advertisement.authData.set(password.subarray(0, authDataBytes));
}

function hasAddressAt(advertisement: Advertisement, index: number, address: AddressBytes): boolean {
  const start = index * address.length;
  for (let offset = 0; offset < address.length; offset++) {
    if (advertisement.addresses[start + offset] !== address[offset]) return false;
  }
  return true;
}

/**
 * True if the packet lists exactly the configured addresses, in any order (RFC 9568, section 7.1:
 * a mismatch is logged, the packet counts all the same). `configured` has no doubles.
 */
export function hasSameAddresses(
  advertisement: Advertisement,
  configured: readonly AddressBytes[],
): boolean {
  if (advertisement.addressCount !== configured.length) return false;
  for (let index = 0; index < configured.length; index++) {
    const address = configured[index]!;
    // The same configuration lists them in the same order: look there first.
    if (hasAddressAt(advertisement, index, address)) continue;
    let other = 0;
    while (other < configured.length && !hasAddressAt(advertisement, other, address)) other++;
    if (other === configured.length) return false;
  }
  return true;
}
