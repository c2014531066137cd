/**
 * Sockets with errors thrown, for everything that is not a hot loop.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IP_FREEBIND,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FREEBIND,
  IPV6_V6ONLY,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from "./constants/socket.ts";
import { EADDRINUSE, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import { decodeSockaddr, sockaddrBytesMax } from "./sockaddr.ts";

/** Throws unless `result` is a success; must follow its call at once. */
export function checkResult(result: number, syscall: string, detail: string): number {
  if (result !== -1) return result;
  throw new SyscallError(syscall, errno(), detail);
}

/**
 * Opens a non-blocking socket that is closed on exec. The caller owns the descriptor.
 *
 * @param type SOCK_STREAM, SOCK_DGRAM or SOCK_RAW.
 * @throws {SyscallError} `EPERM` without CAP_NET_RAW for a raw socket, `EMFILE` at the limit.
 */
export function openSocket(domain: number, type: number, protocol = 0): number {
  const fd = libc.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  return checkResult(fd, "socket", `domain ${domain}, type ${type}, protocol ${protocol}`);
}

/** Sets an option whose value is an int. */
export function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = new Int32Array([value]);
  const result = libc.setsockopt(fd, level, option, addressOf(bytes), 4);
  checkResult(result, "setsockopt", `fd ${fd}, level ${level}, option ${option}, value ${value}`);
}

/** Reads an option whose value is an int. */
export function getOption(fd: number, level: number, option: number): number {
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  const result = libc.getsockopt(fd, level, option, addressOf(value), addressOf(length));
  checkResult(result, "getsockopt", `fd ${fd}, level ${level}, option ${option}`);
  return value[0]!;
}

/**
 * Lets a socket bind an address that the host does not have (yet), without a sysctl and without
 * privileges: a backup director listens before it owns the address. IPv6 sockets take IPv6 only.
 */
export function allowForeignAddress(fd: number, domain: number): void {
  if (domain === AF_INET) setOption(fd, IPPROTO_IP, IP_FREEBIND, 1);
  if (domain !== AF_INET6) return;
  setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  setOption(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

/** Binds; `false` if the address is in use. `detail` names it for the error. */
export function tryBind(fd: number, sockaddr: Uint8Array, detail: string): boolean {
  if (libc.bind(fd, addressOf(sockaddr), sockaddr.length) !== -1) return true;
  const reason = errno();
  if (reason === EADDRINUSE) return false;
  throw new SyscallError("bind", reason, detail);
}

/** Local address and port of a socket; undefined for another family than IP. */
export function localAddress(fd: number): ReturnType<typeof decodeSockaddr> {
  const bytes = new Uint8Array(sockaddrBytesMax);
  const length = new Uint32Array([bytes.length]);
  const result = libc.getsockname(fd, addressOf(bytes), addressOf(length));
  checkResult(result, "getsockname", `fd ${fd}`);
  return decodeSockaddr(bytes.subarray(0, length[0]));
}

/** Closes a descriptor the caller owns. */
export function closeDescriptor(fd: number): void {
  checkResult(libc.close(fd), "close", `fd ${fd}`);
}
