/**
 * Raw IP sockets on one interface (raw(7)), and packet filters for them (SO_ATTACH_FILTER,
 * Documentation/networking/filter.rst).
 *
 * ```text
 * struct ip_mreqn: group 4 | local address 4 | interface i32
 * struct ipv6_mreq: group 16 | interface i32
 * struct sock_fprog: count u16 | pad 6 | pointer 8
 * ```
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IP_ADD_MEMBERSHIP,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_UNICAST_HOPS,
  SO_ATTACH_FILTER,
  SO_BINDTODEVICE,
  SOCK_RAW,
  SOL_SOCKET,
} from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { encodeSockaddr } from "./sockaddr.ts";
import { checkResult, closeDescriptor, openSocket, setOption } from "./socket.ts";

/** Where a raw socket lives. */
export interface RawPlace {
  readonly family: 4 | 6;
  /** IP protocol number. */
  readonly protocol: number;
  readonly device: string;
  /** Number of the device. */
  readonly index: number;
}

const ttlMax = 255;

function setBytes(fd: number, level: number, option: number, bytes: Uint8Array): void {
  const result = libc.setsockopt(fd, level, option, addressOf(bytes), bytes.length);
  checkResult(result, "setsockopt", `fd ${fd}, level ${level}, option ${option}`);
}

function openPlaced({ family, protocol, device }: RawPlace): number {
  const fd = openSocket(family === 4 ? AF_INET : AF_INET6, SOCK_RAW, protocol);
  try {
    setBytes(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${device}\0`));
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** Runs `prepare` on a new socket; it is closed if that throws. */
function prepared(place: RawPlace, prepare: (fd: number) => void): number {
  const fd = openPlaced(place);
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/**
 * Opens a socket that sends from `source` on one device, to hosts and groups, with TTL 255 and
 * without an echo of groups. The caller owns the descriptor.
 *
 * @throws {SyscallError} `EPERM` without CAP_NET_RAW, `ENODEV`, `EADDRNOTAVAIL` if the device has
 *   not this address.
 */
export function openRawSender(place: RawPlace, source: Uint8Array): number {
  return prepared(place, (fd) => {
    if (place.family === 4) {
      setOption(fd, IPPROTO_IP, IP_TTL, ttlMax);
      setOption(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttlMax);
      setOption(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
      setBytes(fd, IPPROTO_IP, IP_MULTICAST_IF, encodeMembership(new Uint8Array(4), place.index));
    } else {
      setOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttlMax);
      setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttlMax);
      setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
      setOption(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, place.index);
    }
    const sockaddr = encodeScoped(source, place.index);
    checkResult(libc.bind(fd, addressOf(sockaddr), sockaddr.length), "bind", place.device);
    // It is for sending: nothing may wait in it.
    attachFilter(fd, dropAll);
  });
}

/**
 * Opens a socket that receives what `filter` lets through on one device, and has joined `group` if
 * one is given. The caller owns the descriptor.
 *
 * @param filter Instructions of a classic filter, eight bytes each. IPv4 packets start at the IP
 *   header, IPv6 packets behind it.
 */
export function openRawReceiver(
  place: RawPlace,
  filter: Uint8Array,
  group: Uint8Array | undefined,
): number {
  return prepared(place, (fd) => {
    attachFilter(fd, filter);
    if (group === undefined) return;
    const membership = encodeMembership(group, place.index);
    if (place.family === 4) setBytes(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership);
    else setBytes(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, membership);
  });
}

/** "ret 0". */
const dropAll = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0);

/**
 * Lets a socket receive only what a classic filter accepts: instructions of eight bytes each. What
 * waits in it already is not looked at: so before it is bound.
 */
export function attachFilter(fd: number, instructions: Uint8Array): void {
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, instructions.length / 8, true);
  program.setBigUint64(8, BigInt(addressOf(instructions)), true);
  setBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(program.buffer));
}

function encodeMembership(group: Uint8Array, index: number): Uint8Array {
  const bytes = new Uint8Array(group.length === 4 ? 12 : 20);
  bytes.set(group);
  new DataView(bytes.buffer).setInt32(bytes.length - 4, index, true);
  return bytes;
}

/** Address of a socket; one of link scope needs its device. */
export function encodeScoped(address: Uint8Array, index: number): Uint8Array {
  const sockaddr = encodeSockaddr(address, 0);
  if (address.length === 16) new DataView(sockaddr.buffer).setUint32(24, index, true);
  return sockaddr;
}
