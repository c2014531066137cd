/**
 * A kernel of memory behind src/netlink: it gets each message that is sent, and what it answers is
 * received in that order.
 *
 * @module
 */
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGERR_ATTR_MSG,
} from "../../ffi/constants/netlink.ts";
import {
  attribute,
  decodeMessages,
  encodeAttributes,
  encodeMessage,
} from "../../src/netlink/index.ts";
import type { NetlinkMessage, NetlinkTransport, Received } from "../../src/netlink/index.ts";

/** Bytes of a datagram, or another thing that a socket may meet. */
export type Answer = Uint8Array | Received["kind"];

/** The kernel's end, and what was sent to it. */
export interface FakeKernel extends NetlinkTransport {
  readonly requests: readonly NetlinkMessage[];
  /** Puts something into the receive queue that nobody asked for. */
  push(answer: Answer): void;
  readonly isClosed: boolean;
}

/** @param answer Datagrams for one message. */
export function createFakeKernel(
  answer: (request: NetlinkMessage, count: number) => readonly Answer[] = () => [],
): FakeKernel {
  const queue: Answer[] = [];
  const requests: NetlinkMessage[] = [];
  let isClosed = false;
  return {
    fd: -1,
    port: 4711,
    requests,
    get isClosed() {
      return isClosed;
    },
    push: (datagram) => queue.push(datagram),
    send(bytes) {
      for (const request of decodeMessages(bytes.slice()).messages) {
        requests.push(request);
        queue.push(...answer(request, requests.length));
      }
    },
    receive() {
      const next = queue.shift() ?? "nothing";
      if (next === "datagram") throw new Error("A datagram has bytes");
      return typeof next === "string" ? { kind: next } : { kind: "datagram", bytes: next };
    },
    close() {
      isClosed = true;
    },
  };
}

function acknowledgement(request: NetlinkMessage, type: number, errno: number, text?: string) {
  const words =
    text === undefined ? [] : [...encodeAttributes([attribute.text(NLMSGERR_ATTR_MSG, text)])];
  const head = new DataView(new ArrayBuffer(4));
  head.setInt32(0, -errno, true);
  const echo = type === NLMSG_DONE ? [] : encodeMessage(request).subarray(0, 16);
  const tlvs = text === undefined ? 0 : NLM_F_ACK_TLVS;
  return encodeMessage({
    type,
    flags: type === NLMSG_DONE ? NLM_F_MULTI | tlvs : NLM_F_CAPPED | tlvs,
    sequence: request.sequence,
    port: 4711,
    payload: Uint8Array.from([...new Uint8Array(head.buffer), ...echo, ...words]),
  });
}

/** Datagrams as the kernel makes them. */
export const kernelAnswer = {
  /** "Done." */
  ack: (request: NetlinkMessage): Uint8Array => acknowledgement(request, NLMSG_ERROR, 0),
  refusal: (request: NetlinkMessage, errno: number, text?: string): Uint8Array =>
    acknowledgement(request, NLMSG_ERROR, errno, text),
  /** End of a list. */
  done: (request: NetlinkMessage, errno = 0, text?: string): Uint8Array =>
    acknowledgement(request, NLMSG_DONE, errno, text),
  /** An answer, or a part of a list. */
  part: (
    { sequence }: NetlinkMessage,
    type: number,
    payload: Uint8Array,
    flags = NLM_F_MULTI,
  ): Uint8Array => encodeMessage({ type, flags, sequence, port: 4711, payload }),
} as const;

/** A message that the kernel might have sent. */
export function messageOf(type: number, payload: ArrayLike<number>): NetlinkMessage {
  return { type, flags: 0, sequence: 0, port: 0, payload: Uint8Array.from(payload) };
}

/** Bytes from groups of hexadecimal digits; everything else is for the reader. */
export function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/#.*$|\s/gm, ""));
}
