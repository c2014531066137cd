/**
 * ICMP echo request and reply, IPv4 (RFC 792, page 14) and IPv6 (RFC 4443, section 4).
 *
 * ```text
 * 0  type        8 request, 0 reply; ICMPv6: 128 request, 129 reply
 * 1  code        0
 * 2  checksum    u16, over the message; ICMPv6: with a pseudo-header, by the kernel
 * 4  identifier  u16
 * 6  sequence    u16
 * 8  data        comes back as it was sent
 * ```
 * Pure. What is decoded is untrusted: nothing is thrown, and no byte is read past the end.
 *
 * @module
 */

import type { Family } from "./address.ts";
import { internetChecksum } from "./checksum.ts";

/** An echo message. `identifier` and `sequence` are 0..65535. */
export interface Echo {
  readonly kind: "request" | "reply";
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Why bytes are no echo message. */
export type IcmpFault = "truncated" | "other-type" | "bad-code" | "bad-checksum";

/** Outcome of {@link decodeEcho}. */
export type EchoDecoded =
  { readonly ok: true; readonly echo: Echo } | { readonly ok: false; readonly reason: IcmpFault };

const headerBytes = 8;
const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/**
 * Encodes an echo message. The checksum of ICMPv6 is left 0: the kernel writes it for every
 * ICMPv6 socket (RFC 3542, section 3.1), as only it knows the source address.
 */
export function encodeEcho(family: Family, echo: Echo): Uint8Array {
  const bytes = new Uint8Array(headerBytes + echo.data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = types[family][echo.kind];
  view.setUint16(4, echo.identifier);
  view.setUint16(6, echo.sequence);
  bytes.set(echo.data, headerBytes);
  if (family === 4) view.setUint16(2, internetChecksum(bytes));
  return bytes;
}

function drop(reason: IcmpFault): EchoDecoded {
  return { ok: false, reason };
}

/**
 * Decodes an ICMP message without its IP header.
 *
 * The checksum is verified for IPv4, since raw sockets get messages before the kernel looks at
 * it; that of ICMPv6 the kernel has verified. `data` is a view into `bytes`.
 */
export function decodeEcho(family: Family, bytes: Uint8Array): EchoDecoded {
  if (bytes.length < headerBytes) return drop("truncated");
  const { request, reply } = types[family];
  if (bytes[0] !== request && bytes[0] !== reply) return drop("other-type");
  if (bytes[1] !== 0) return drop("bad-code");
  if (family === 4 && internetChecksum(bytes) !== 0) return drop("bad-checksum");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    ok: true,
    echo: {
      kind: bytes[0] === request ? "request" : "reply",
      identifier: view.getUint16(4),
      sequence: view.getUint16(6),
      data: bytes.subarray(headerBytes),
    },
  };
}

/**
 * Payload of an IPv4 packet (RFC 791, section 3.1), as a view; undefined if the header does not
 * fit. IPv4 raw sockets deliver whole packets, IPv6 ones do not.
 */
export function ipv4Payload(packet: Uint8Array): Uint8Array | undefined {
  if (packet.length < 20 || packet[0]! >> 4 !== 4) return undefined;
  const length = (packet[0]! & 0x0f) * 4;
  return length < 20 || length > packet.length ? undefined : packet.subarray(length);
}
