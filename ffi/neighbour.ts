/**
 * Sockets for IPv6 neighbour discovery (RFC 4861, section 4) on one interface: raw ICMPv6 (ipv6(7),
 * raw(7)), to which only neighbour advertisements come. The kernel writes the checksum.
 *
 * @module
 */

import { ICMPV6_FILTER } from "./constants/icmp.ts";
import { IPV6_MULTICAST_HOPS, ND_NEIGHBOR_ADVERT, SO_BINDTODEVICE } from "./constants/interface.ts";
import {
  AF_INET6,
  IPPROTO_ICMPV6,
  IPPROTO_IPV6,
  SOCK_RAW,
  SOL_SOCKET,
} from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult, closeDescriptor, openSocket, setOption } from "./socket.ts";

/** Whoever receives a packet of neighbour discovery drops it with less: it has been routed. */
const hopsRequired = 255;

function restrict(fd: number, name: string): void {
  const device = new TextEncoder().encode(`${name}\0`);
  const bound = libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, addressOf(device), device.length);
  checkResult(bound, "setsockopt", `SO_BINDTODEVICE ${name}`);
  // A bit that is set keeps its type out.
  const mask = new Uint32Array(8).fill(0xffff_ffff);
  mask[ND_NEIGHBOR_ADVERT >> 5]! &= ~(1 << (ND_NEIGHBOR_ADVERT & 31));
  const filtered = libc.setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, addressOf(mask), 32);
  checkResult(filtered, "setsockopt", "ICMPV6_FILTER");
  setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hopsRequired);
}

/**
 * Opens a non-blocking socket that sends on the interface `name` and receives neighbour
 * advertisements from it. The caller owns the descriptor.
 *
 * @throws {SyscallError} `EPERM` without CAP_NET_RAW, `ENODEV`, `EAFNOSUPPORT` without IPv6.
 */
export function openNeighbourSocket(name: string): number {
  const fd = openSocket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  try {
    restrict(fd, name);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}
