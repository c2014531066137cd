/**
 * Packet sockets of one EtherType on one interface (packet(7)), without the Ethernet header.
 *
 * ```text
 * struct sockaddr_ll: family u16 host | protocol u16 net | index i32 host | hardware type u16
 *                     | packet type u8 | address length u8 | address 8                 20 bytes
 * ```
 *
 * @module
 */

import { AF_PACKET } from "./constants/interface.ts";
import { SOCK_DGRAM } from "./constants/socket.ts";
import { addressOf, errno, libc } from "./libc.ts";
import { attachFilter } from "./raw-socket.ts";
import { checkResult, closeDescriptor, openSocket } from "./socket.ts";

/** Where packets of a socket come from and go to. */
export interface PacketPlace {
  /** ETH_P_ number. */
  readonly etherType: number;
  /** Number of the interface. */
  readonly index: number;
}

/** A `struct sockaddr_ll`; with `hardware` (6 bytes) as the destination of a packet. */
export function encodeLinkSockaddr(
  { etherType, index }: PacketPlace,
  hardware?: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, etherType);
  view.setInt32(4, index, true);
  if (hardware !== undefined) {
    bytes[11] = hardware.length;
    bytes.set(hardware, 12);
  }
  return bytes;
}

/**
 * Opens a non-blocking socket that receives one EtherType on one interface and nothing else. The
 * caller owns the descriptor.
 *
 * @param filter Instructions of a classic filter; undefined: everything passes.
 * @throws {SyscallError} `EPERM` without CAP_NET_RAW, `ENODEV`.
 */
export function openPacketSocket(place: PacketPlace, filter?: Uint8Array): number {
  // Protocol 0 receives nothing until bind(2) names interface and type together.
  const fd = openSocket(AF_PACKET, SOCK_DGRAM, 0);
  const sockaddr = encodeLinkSockaddr(place);
  try {
    if (filter !== undefined) attachFilter(fd, filter);
    const result = libc.bind(fd, addressOf(sockaddr), sockaddr.length);
    checkResult(result, "bind", `packet socket on interface ${place.index}`);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return fd;
}

/** Sends a payload to a hardware address. @returns 0, or a positive errno. */
export function sendPacket(fd: number, payload: Uint8Array, sockaddr: Uint8Array): number {
  const to = addressOf(sockaddr);
  const sent = libc.sendto(fd, addressOf(payload), payload.length, 0, to, sockaddr.length);
  return sent === -1 ? errno() : 0;
}

/** Takes one payload into `buffer`; undefined if there is none. @returns a view into it. */
export function receivePacket(fd: number, buffer: Uint8Array): Uint8Array | undefined {
  const count = libc.recv(fd, addressOf(buffer), buffer.length, 0);
  return count === -1 ? undefined : buffer.subarray(0, count);
}
