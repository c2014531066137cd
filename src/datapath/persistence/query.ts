/**
 * What the persistence table is asked about: one client of one service at one moment. Pure.
 *
 * @module
 */
import { invariant } from "../../errors/index.ts";
import type { AddressBytes } from "../../net/address.ts";
import { serviceSlotMax } from "./layout.ts";

/** Words of an address; IPv4 uses the first one, the others are 0. */
const addressWords = 4;

/**
 * A question to the table. A thread keeps one and fills it anew each time, so that a lookup
 * allocates nothing; the table never keeps it.
 */
export interface PersistenceQuery {
  /** Number of the virtual service, 0..2^30 - 2. */
  serviceSlot: number;
  isIpv6: boolean;
  /** Client address, host order, masked; see {@link setClientAddress}. */
  readonly words: Uint32Array;
  /** The time now, on a clock that all threads share and that never jumps, in ms. */
  nowMs: number;
  /** How long an entry outlives the last connection that used it, in ms. */
  timeoutMs: number;
}

/** A question to be filled in. */
export function createPersistenceQuery(): PersistenceQuery {
  const words = new Uint32Array(addressWords);
  return { serviceSlot: 0, isIpv6: false, words, nowMs: 0, timeoutMs: 0 };
}

/** Clears all bits of an address after its first `prefixBits` (0..128), in place. */
export function maskWords(words: Uint32Array, prefixBits: number): void {
  for (let index = 0; index < words.length; index++) {
    const keepBits = prefixBits - index * 32;
    // A shift by 32 is a shift by 0 in JavaScript: both ends need a case of their own.
    if (keepBits <= 0) words[index] = 0;
    else if (keepBits < 32) words[index] = words[index]! & (-1 << (32 - keepBits));
  }
}

/**
 * Puts a client's address into a question: 4 or 16 bytes in network order, of which the first
 * `prefixBits` count. An IPv4 address in IPv6 form is another client than the plain one.
 */
export function setClientAddress(
  query: PersistenceQuery,
  address: AddressBytes,
  prefixBits: number,
): void {
  invariant(address.length === 4 || address.length === 16, "an address has 4 or 16 bytes");
  const { words } = query;
  query.isIpv6 = address.length === 16;
  words.fill(0);
  for (let index = 0; index < address.length; index++) {
    const word = index >> 2;
    words[word] = (words[word]! << 8) | address[index]!;
  }
  maskWords(words, prefixBits);
}

/** Number that stands for service and family in an entry; never 0. */
export function tagOf(query: PersistenceQuery): number {
  const { serviceSlot } = query;
  invariant(serviceSlot >= 0 && serviceSlot <= serviceSlotMax, "service slot out of range");
  return (serviceSlot + 1) * 2 + (query.isIpv6 ? 1 : 0);
}
