/**
 * Filters of the sockets that hear who claims a virtual address: ordinary ARP and neighbour
 * discovery must not wake the real-time thread. Pure.
 *
 * Of an IPv6 address the last four bytes are compared: that keeps programs short, and what passes
 * by chance is looked at again.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import {
  FilterProgram,
  give,
  loadByte,
  loadWord,
  networkHeader,
  wholePacket,
  wordsOf,
} from "./filter-program.ts";

/** More addresses than this are not compared in the kernel: programs have 4096 instructions. */
const comparedMax = 1000;
/** Sender's address of an ARP packet. */
const arpSender = 14;
/** Hop limit of an IPv6 header. */
const hopLimitOffset = 7;
const neighbourAdvertisement = 136;
/** Last word of an advertisement's target; the packet starts behind the IPv6 header. */
const targetEnd = 20;

function accept(
  program: FilterProgram,
  addresses: readonly AddressBytes[],
  at: number,
): Uint8Array {
  program.add(loadWord, at);
  if (addresses.length > comparedMax) program.add(give, wholePacket);
  else program.acceptAny(addresses.map((address) => wordsOf(address).at(-1)!));
  return program.encode();
}

/** ARP of a sender with one of these IPv4 addresses, for openPacketSocket(). */
export function assembleArpFilter(addresses: readonly AddressBytes[]): Uint8Array {
  return accept(new FilterProgram(), addresses, networkHeader + arpSender);
}

/** Neighbour advertisements of one of these IPv6 addresses, for openRawReceiver(). */
export function assembleNeighbourFilter(addresses: readonly AddressBytes[]): Uint8Array {
  const program = new FilterProgram();
  program.add(loadByte, networkHeader + hopLimitOffset);
  program.require(255);
  program.add(loadByte, 0);
  program.require(neighbourAdvertisement);
  return accept(program, addresses, targetEnd);
}
