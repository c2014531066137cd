/**
 * UDP sockets that a filter guards from their first packet on (udp(7), socket(7)).
 *
 * `SO_MEMINFO` (linux/sock_diag.h) gives nine u32; the last, SK_MEMINFO_DROPS, counts what the
 * filter refused and what did not fit the receive queue.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_MEMINFO,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { attachFilter } from "./raw-socket.ts";
import { encodeSockaddr } from "./sockaddr.ts";
import { checkResult, closeDescriptor, openSocket, setOption } from "./socket.ts";

const memInfoWords = 9;
const dropsWord = 8;

/**
 * Opens a socket on a port of all addresses of one family. The caller owns the descriptor.
 *
 * @param filter Instructions of a classic filter; packets start at the UDP header.
 * @throws {SyscallError} `EADDRINUSE`, `EACCES` for a port below 1024 without the right to it.
 */
export function openFilteredUdp(family: 4 | 6, port: number, filter: Uint8Array): number {
  const fd = openSocket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM);
  try {
    if (family === 6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    attachFilter(fd, filter);
    const sockaddr = encodeSockaddr(new Uint8Array(family === 4 ? 4 : 16), port);
    checkResult(libc.bind(fd, addressOf(sockaddr), sockaddr.length), "bind", `UDP port ${port}`);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

const memInfo = new Uint32Array(memInfoWords);
const memInfoLength = new Uint32Array(1);

/** Packets that a socket did not take: refused by its filter, or its queue was full. */
export function countDropped(fd: number): number {
  memInfoLength[0] = memInfo.byteLength;
  const [info, length] = [addressOf(memInfo), addressOf(memInfoLength)];
  const result = libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, length);
  checkResult(result, "getsockopt", `fd ${fd}, SO_MEMINFO`);
  return memInfo[dropsWord]!;
}
