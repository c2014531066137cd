/**
 * The filter of a virtual router's receiving socket: strangers are dropped before the thread wakes.
 *
 * What passes has TTL 255, goes where this router listens, has its VRID and, with listed peers,
 * comes from one of them. Everything is looked at again afterwards (src/vrrp/accept.ts): this only
 * keeps a flood away from the thread that must not be late. Classic BPF,
 * Documentation/networking/filter.rst. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import {
  FilterProgram,
  give,
  loadByte,
  loadByteAtX,
  loadHeaderLength,
  loadWord,
  networkHeader,
  wholePacket,
  wordsOf,
} from "./filter-program.ts";

/** What a router listens for. */
export interface AdvertFilter {
  readonly vrid: number;
  /** Its group, or its own address. */
  readonly destination: AddressBytes;
  /** Undefined: everybody. All of the family of `destination`. */
  readonly peers: readonly AddressBytes[] | undefined;
}

/** Instructions for openRawReceiver(). */
export function assembleAdvertFilter({ vrid, destination, peers }: AdvertFilter): Uint8Array {
  const isIpv4 = destination.length === 4;
  const at = isIpv4
    ? { ttl: 8, source: 12, destination: 16 }
    : { ttl: 7, source: 8, destination: 24 };
  const program = new FilterProgram();
  program.add(loadByte, networkHeader + at.ttl);
  program.require(255);
  for (const [index, word] of wordsOf(destination).entries()) {
    program.add(loadWord, networkHeader + at.destination + index * 4);
    program.require(word);
  }
  // The second byte of the message. An IPv4 packet starts at its header, IPv6 behind it.
  if (isIpv4) {
    program.add(loadHeaderLength, 0);
    program.add(loadByteAtX, 1);
  } else {
    program.add(loadByte, 1);
  }
  program.require(vrid);
  if (peers === undefined) program.add(give, wholePacket);
  else for (const peer of peers) program.acceptIf(wordsOf(peer), at.source);
  return program.encode();
}
