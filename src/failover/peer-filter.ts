/**
 * The filter of the peer channel's socket: what does not come from the peer, or is no message of
 * the channel, is dropped before the thread wakes. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import { peerMagic } from "../peer/index.ts";
import {
  FilterProgram,
  give,
  loadWord,
  networkHeader,
  wholePacket,
  wordsOf,
} from "./filter-program.ts";

const udpHeaderBytes = 8;

/** Instructions for openFilteredUdp(). */
export function assemblePeerFilter(peer: AddressBytes): Uint8Array {
  const sourceOffset = peer.length === 4 ? 12 : 8;
  const program = new FilterProgram();
  for (const [index, word] of wordsOf(peer).entries()) {
    program.add(loadWord, networkHeader + sourceOffset + index * 4);
    program.require(word);
  }
  program.add(loadWord, udpHeaderBytes);
  program.require(peerMagic);
  program.add(give, wholePacket);
  return program.encode();
}
