/**
 * Sockets for ICMP echo (icmp(7), raw(7)): opened with or without privileges, bytes out and in.
 *
 * @module
 */

import {
  ICMP_ECHOREPLY,
  ICMP_FILTER,
  ICMPV6_ECHO_REPLY,
  ICMPV6_FILTER,
  SOL_RAW,
} from "./constants/icmp.ts";
import { AF_INET, IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW } from "./constants/socket.ts";
import { EACCES, EPERM, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import { decodeSockaddr, sockaddrBytesMax } from "./sockaddr.ts";
import { checkResult, closeDescriptor, openSocket } from "./socket.ts";

/** An open socket for echo; the caller owns the descriptor. */
export interface EchoSocket {
  readonly fd: number;
  /**
   * Raw: replies to every program arrive, IPv4 with the IP header, and the identifier sent is the
   * caller's. Not raw: the kernel sets the identifier and delivers its replies only.
   */
  readonly isRaw: boolean;
}

/** Lets nothing but echo replies through to a raw socket. */
function filterReplies(fd: number, domain: number): void {
  if (domain === AF_INET) {
    const mask = new Uint32Array([~(1 << ICMP_ECHOREPLY)]);
    const result = libc.setsockopt(fd, SOL_RAW, ICMP_FILTER, addressOf(mask), 4);
    checkResult(result, "setsockopt", "ICMP_FILTER");
    return;
  }
  const mask = new Uint32Array(8).fill(0xffff_ffff);
  mask[ICMPV6_ECHO_REPLY >> 5]! &= ~(1 << (ICMPV6_ECHO_REPLY & 31));
  const result = libc.setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, addressOf(mask), 32);
  checkResult(result, "setsockopt", "ICMPV6_FILTER");
}

/**
 * Opens a socket for echo in AF_INET or AF_INET6: a ping socket if this process may have one,
 * else a raw one.
 *
 * @throws {SyscallError} `EPERM` if it may neither, `EMFILE` at the limit, `EAFNOSUPPORT`.
 */
export function openEchoSocket(domain: number): EchoSocket {
  const protocol = domain === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  try {
    return { fd: openSocket(domain, SOCK_DGRAM, protocol), isRaw: false };
  } catch (error) {
    if (!(error instanceof SyscallError) || ![EACCES, EPERM].includes(error.errno)) throw error;
  }
  const fd = openSocket(domain, SOCK_RAW, protocol);
  try {
    filterReplies(fd, domain);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return { fd, isRaw: true };
}

/** Sends a datagram. @returns 0, or a positive errno. */
export function sendDatagram(fd: number, bytes: Uint8Array, sockaddr: Uint8Array): number {
  const to = addressOf(sockaddr);
  const sent = libc.sendto(fd, addressOf(bytes), bytes.length, 0, to, sockaddr.length);
  return sent === -1 ? errno() : 0;
}

/** A received datagram; `bytes` is a view into the buffer handed in. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly address: Uint8Array;
  readonly port: number;
}

const source = new Uint8Array(sockaddrBytesMax);
const sourceLength = new Uint32Array(1);

/** Takes one datagram; undefined if there is none. What does not fit into `buffer` is cut off. */
export function receiveDatagram(fd: number, buffer: Uint8Array): Datagram | undefined {
  sourceLength[0] = sockaddrBytesMax;
  const count = libc.recvfrom(
    fd,
    addressOf(buffer),
    buffer.length,
    0,
    addressOf(source),
    addressOf(sourceLength),
  );
  if (count === -1) return undefined;
  const from = decodeSockaddr(source.subarray(0, sourceLength[0]));
  return from === undefined ? undefined : { bytes: buffer.subarray(0, count), ...from };
}
