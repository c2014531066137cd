/**
 * Starts TCP connections to real servers: source address, keep-alive, TCP_USER_TIMEOUT.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "../../../ffi/constants/socket.ts";
import { EINPROGRESS, SyscallError } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { checkResult, closeDescriptor, openSocket, setOption } from "../../../ffi/socket.ts";
import type { ProxyTimeouts } from "../../model/index.ts";
import type { AddressBytes } from "../../net/address.ts";

/** Where to connect to, and how. */
export interface DialRequest {
  readonly address: AddressBytes;
  readonly port: number;
  /** Local address of the same family; undefined: the kernel chooses. */
  readonly source: AddressBytes | undefined;
  readonly timeouts: ProxyTimeouts;
}

/** A connect under way, or the errno (positive) of what could not be done. */
export type Dialed =
  { readonly ok: true; readonly fd: number } | { readonly ok: false; readonly errno: number };

/** Starts a connect. The caller owns the descriptor. */
export function dial(request: DialRequest): Dialed {
  let fd = -1;
  try {
    fd = openSocket(request.address.length === 4 ? AF_INET : AF_INET6, SOCK_STREAM);
    setOptions(fd, request.timeouts);
    if (request.source !== undefined) bindSource(fd, request.source);
    const target = encodeSockaddr(request.address, request.port);
    const isConnected = libc.connect(fd, addressOf(target), target.length) !== -1;
    const reason = isConnected ? 0 : errno();
    if (isConnected || reason === EINPROGRESS) return { ok: true, fd };
    closeDescriptor(fd);
    return { ok: false, errno: reason };
  } catch (error) {
    if (fd !== -1) closeDescriptor(fd);
    if (error instanceof SyscallError) return { ok: false, errno: error.errno };
    throw error;
  }
}

function setOptions(fd: number, { keepaliveMs, userTimeoutMs }: ProxyTimeouts): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (userTimeoutMs > 0) setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMs);
  if (keepaliveMs === 0) return;
  const seconds = Math.max(1, Math.round(keepaliveMs / 1000));
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
}

/** The port is chosen at connect(2), by the whole 4-tuple: one source serves many servers. */
function bindSource(fd: number, source: AddressBytes): void {
  setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  const local = encodeSockaddr(source, 0);
  checkResult(libc.bind(fd, addressOf(local), local.length), "bind", `source of fd ${fd}`);
}
