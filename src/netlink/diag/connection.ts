/**
 * Connections of this host as sock_diag(7) lists them. Pure.
 *
 * ```text
 * question  family 1 | protocol 1 | extensions 1 | 0 | states u32 | socket id 48
 * answer    family 1 | state 1 | timer 1 | retransmits 1 | socket id 48
 *           expires u32 | receive queue u32 | send queue u32 | user u32 | inode u32
 * socket id ports 4 | source 16 | destination 16 | interface u32 | cookie 8
 * ```
 * Source is this host's side; IPv4 stands in the first 4 bytes. In the order of the host, but for
 * ports and addresses.
 *
 * @module
 */

import {
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
} from "../../../ffi/constants/inet-diag.ts";
import { AF_INET, AF_INET6 } from "../../../ffi/constants/socket.ts";
import { formatAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";

const protocolTcp = 6;
const questionBytes = 56;
const answerBytes = 72;
const sourceOffset = 8;
const inodeOffset = 68;

/** Something is to come in, or has not been taken by the other side. */
const livingStates = [
  TCP_ESTABLISHED,
  TCP_SYN_RECV,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_CLOSE_WAIT,
  TCP_LAST_ACK,
  TCP_CLOSING,
];
const livingMask = livingStates.reduce((mask, state) => mask | (1 << state), 0);

/** Asks for the connections of a family that are not over. */
export function encodeConnectionQuestion(family: Family): Uint8Array {
  const payload = new Uint8Array(questionBytes);
  payload[0] = family === 4 ? AF_INET : AF_INET6;
  payload[1] = protocolTcp;
  new DataView(payload.buffer).setUint32(4, livingMask, true);
  return payload;
}

/**
 * This host's address of a connection that a program or the kernel still works for; undefined for
 * one where only the other side's end is waited for.
 */
export function decodeConnection({ payload }: NetlinkMessage): Decoded<string | undefined> {
  if (payload.length < answerBytes) return faulty("truncated");
  const length = payload[0] === AF_INET ? 4 : 16;
  const inode = new DataView(payload.buffer, payload.byteOffset).getUint32(inodeOffset, true);
  if (payload[1] === TCP_FIN_WAIT2 && inode === 0) return decoded(undefined);
  return decoded(formatAddress(payload.subarray(sourceOffset, sourceOffset + length)));
}
