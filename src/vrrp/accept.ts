/**
 * Whether a decoded advertisement concerns this virtual router and comes from whom it may
 * (RFC 9568, section 7.1). Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import type { Advertisement, Envelope, VrrpVersion } from "./advertisement.ts";
import { authTypePassword } from "./advertisement.ts";
import { compareAddresses } from "./election.ts";
import type { DropReason } from "./result.ts";

/** What one virtual router accepts. */
export interface AcceptRules {
  readonly version: VrrpVersion;
  readonly vrid: number;
  /** Interval on the wire in ms; version 2 drops any other. */
  readonly intervalMs: number;
  /** Own addresses: packets from them are our own, reflected. */
  readonly own: readonly AddressBytes[];
  /** Unicast: the only senders that are heard. Undefined: multicast, any sender. */
  readonly peers: readonly AddressBytes[] | undefined;
  /** Version 2: password of 8 bytes; undefined: none is sent and none accepted. */
  readonly password: Uint8Array | undefined;
}

/** Facts of the IP header. */
export interface Arrival extends Envelope {
  /** TTL or hop limit, 0..255. */
  readonly ttl: number;
}

/** The only TTL that proves a packet crossed no router (RFC 9568, sections 5.1.1.3, 5.1.2.3). */
const ttlRequired = 255;

function holds(list: readonly AddressBytes[], address: AddressBytes): boolean {
  for (const one of list) {
    if (one.length === address.length && compareAddresses(one, address) === 0) return true;
  }
  return false;
}

function isMulticast(address: AddressBytes): boolean {
  return address.length === 4 ? address[0]! >> 4 === 0xe : address[0] === 0xff;
}

function judgePassword(
  { authType, authData }: Advertisement,
  password: Uint8Array | undefined,
): DropReason | undefined {
  if (authType !== (password === undefined ? 0 : authTypePassword)) return "bad-auth-type";
  if (password === undefined) return undefined;
  let difference = 0;
  for (let index = 0; index < authData.length; index++) {
    difference |= authData[index]! ^ (password[index] ?? 0);
  }
  return difference === 0 ? undefined : "bad-password";
}

function judgeSender({ source, destination }: Arrival, rules: AcceptRules): DropReason | undefined {
  if (holds(rules.own, source)) return "own-packet";
  if (rules.peers !== undefined && !holds(rules.peers, source)) return "stranger";
  // keepalived, too, wants multicast where multicast is configured, and unicast where peers are.
  if (isMulticast(destination) !== (rules.peers === undefined)) return "bad-destination";
  return undefined;
}

/**
 * Why the packet does not count, undefined if it does. Allocates nothing. Another interval in
 * version 3, and another list of addresses, are no reasons (section 7.1): the caller logs them.
 */
export function judgeAdvertisement(
  advertisement: Advertisement,
  arrival: Arrival,
  rules: AcceptRules,
): DropReason | undefined {
  if (arrival.ttl !== ttlRequired) return "bad-ttl";
  if (advertisement.version !== rules.version) return "other-version";
  if (advertisement.vrid !== rules.vrid) return "other-vrid";
  const sender = judgeSender(arrival, rules);
  if (sender !== undefined) return sender;
  if (advertisement.version === 3) return undefined;
  const auth = judgePassword(advertisement, rules.password);
  if (auth !== undefined) return auth;
  return advertisement.intervalMs === rules.intervalMs ? undefined : "interval-mismatch";
}
