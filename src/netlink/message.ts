/**
 * Netlink messages (netlink(7), linux/netlink.h) and acknowledgements. Pure.
 *
 * ```text
 * struct nlmsghdr: length 4 (with this head) | type 2 | flags 2 | sequence 4 | port 4
 * struct nlmsgerr: negative errno 4 | head of the request 16 | [request] | [attributes]
 * ```
 *
 * All in little-endian order; messages in one datagram start at multiples of four bytes.
 *
 * @module
 */

import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSGERR_ATTR_MISS_TYPE,
  NLMSGERR_ATTR_MSG,
  NLMSGERR_ATTR_OFFS,
} from "../../ffi/constants/netlink.ts";
import { align4, AttributeReader } from "./attribute.ts";
import { decoded, faulty } from "./decoded.ts";
import type { Decoded, Fault } from "./decoded.ts";

/** Length of `struct nlmsghdr`. */
export const messageHeadBytes = 16;

/** A message. `payload` is a view of what it was decoded from. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  /** Chosen by who asks, repeated in every answer; 0 in notices nobody asked for. */
  readonly sequence: number;
  /** Who asked; 0 lets the kernel fill it in. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** Bytes of a message, padded to four. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const length = messageHeadBytes + message.payload.length;
  const bytes = new Uint8Array(align4(length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  view.setUint32(12, message.port, true);
  bytes.set(message.payload, messageHeadBytes);
  return bytes;
}

/** Messages of one datagram. */
export interface DecodedMessages {
  /** Those before the fault, or all. */
  readonly messages: readonly NetlinkMessage[];
  readonly fault: Fault | undefined;
}

/** Takes a datagram apart. Never throws. */
export function decodeMessages(bytes: Uint8Array): DecodedMessages {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    if (offset + messageHeadBytes > bytes.length) return { messages, fault: "truncated" };
    const length = view.getUint32(offset, true);
    if (length < messageHeadBytes) return { messages, fault: "bad-length" };
    if (offset + length > bytes.length) return { messages, fault: "truncated" };
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      port: view.getUint32(offset + 12, true),
      payload: bytes.subarray(offset + messageHeadBytes, offset + length),
    });
    offset += align4(length);
  }
  return { messages, fault: undefined };
}

/** What the kernel says to a request: `NLMSG_ERROR`, or `NLMSG_DONE` at the end of a list. */
export interface Acknowledgement {
  /** Positive errno; 0: done. */
  readonly errno: number;
  /** The kernel's own words (NETLINK_EXT_ACK); also a warning beside success. */
  readonly text: string | undefined;
  /** Where in the request the attribute stands that it refused. */
  readonly offset: number | undefined;
  /** Type of the attribute that it missed. */
  readonly missingType: number | undefined;
}

/** Where the attributes of an acknowledgement start. */
function attributesOffset({ type, flags, payload }: NetlinkMessage): number {
  if (type === NLMSG_DONE) return 4;
  const request = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const requestBytes = (flags & NLM_F_CAPPED) === 0 ? request.getUint32(4, true) : messageHeadBytes;
  return 4 + Math.max(messageHeadBytes, align4(Math.min(requestBytes, payload.length)));
}

/** Reads the payload of an `NLMSG_ERROR` or `NLMSG_DONE` message. Never throws. */
export function decodeAcknowledgement(message: NetlinkMessage): Decoded<Acknowledgement> {
  const { type, flags, payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // Some protocols end a list without saying how it went.
  if (type === NLMSG_DONE && payload.length < 4) {
    return decoded({ errno: 0, text: undefined, offset: undefined, missingType: undefined });
  }
  if (payload.length < (type === NLMSG_DONE ? 4 : 4 + messageHeadBytes)) return faulty("truncated");
  // Positive values would be no errno: some ends of lists carry a length there.
  const errno = Math.max(0, -view.getInt32(0, true));
  const start = (flags & NLM_F_ACK_TLVS) === 0 ? payload.length : attributesOffset(message);
  const attributes = new AttributeReader(payload.subarray(Math.min(start, payload.length)));
  return decoded({
    errno,
    text: attributes.text(NLMSGERR_ATTR_MSG),
    offset: attributes.u32(NLMSGERR_ATTR_OFFS),
    missingType: attributes.u32(NLMSGERR_ATTR_MISS_TYPE),
  });
}
