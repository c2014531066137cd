/**
 * Opens the listening sockets of the proxy, one a worker and address, in the main thread.
 *
 * SO_REUSEPORT lets the kernel spread clients over the workers; it would also let another process
 * of the same user share the port without a word, so the address is first bound once without it.
 *
 * @module
 */

import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVPKTINFO,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  TCP_USER_TIMEOUT,
} from "../../../ffi/constants/socket.ts";
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, SyscallError } from "../../../ffi/errno.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import {
  allowForeignAddress,
  checkResult,
  closeDescriptor,
  openSocket,
  setOption,
  tryBind,
} from "../../../ffi/socket.ts";
import { ApplianceError } from "../../errors/index.ts";
import type { Protocol, ProxyTimeouts } from "../../model/index.ts";
import { formatEndpoint, parseAddress } from "../../net/address.ts";

/** Connections that may wait for accept(2); the kernel cuts it to net.core.somaxconn. */
const backlog = 16_384;
/** Bursts of datagrams while a worker is busy; the kernel cuts it to net.core.rmem_max. */
const udpReceiveBytes = 4 << 20;

/** What to listen on, and the options clients inherit. */
export interface ListenRequest {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  readonly timeouts: ProxyTimeouts;
}

function openUnbound({ protocol, address }: ListenRequest): number {
  const domain = address.includes(":") ? AF_INET6 : AF_INET;
  const fd = openSocket(domain, protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM);
  try {
    allowForeignAddress(fd, domain);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return fd;
}

function sockaddrOf({ address, port }: ListenRequest): Uint8Array {
  return encodeSockaddr(parseAddress(address)!, port);
}

function name(request: ListenRequest): string {
  return `${request.protocol} ${formatEndpoint(request)}`;
}

/** Turns what bind(2) said into an error the operator can act on. */
function explain(request: ListenRequest, error: unknown): unknown {
  if (!(error instanceof SyscallError)) return error;
  const what = `Cannot listen on ${name(request)}`;
  switch (error.errno) {
    case EACCES:
      return new ApplianceError(
        "LISTEN_NOT_PERMITTED",
        `${what}: ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE`,
        { cause: error },
      );
    case EADDRINUSE:
      return inUse(request, error);
    case EADDRNOTAVAIL:
      return new ApplianceError("LISTEN_NO_ADDRESS", `${what}: the host cannot use this address`, {
        cause: error,
      });
    default:
      return new ApplianceError("LISTEN_FAILED", `${what}: ${error.message}`, { cause: error });
  }
}

function inUse(request: ListenRequest, cause?: unknown): ApplianceError {
  const text = `Cannot listen on ${name(request)}: another program uses it (see: ss -lnp)`;
  return new ApplianceError("LISTEN_IN_USE", text, { cause });
}

/**
 * Fails if another socket listens on the address.
 *
 * @throws {ApplianceError} `LISTEN_IN_USE`, `LISTEN_NOT_PERMITTED`, `LISTEN_NO_ADDRESS`,
 *   `LISTEN_FAILED`.
 */
export function requireFree(request: ListenRequest): void {
  let fd = -1;
  try {
    fd = openUnbound(request);
    // TCP: connections of an earlier run in TIME_WAIT do not count as "in use".
    if (request.protocol === "tcp") setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!tryBind(fd, sockaddrOf(request), name(request))) throw inUse(request);
    if (request.protocol === "tcp") checkResult(libc.listen(fd, 1), "listen", name(request));
  } catch (error) {
    throw explain(request, error);
  } finally {
    if (fd !== -1) closeDescriptor(fd);
  }
}

/**
 * Opens one listening socket. The caller owns it and must close it.
 *
 * @throws {ApplianceError} As {@link requireFree}.
 */
export function openListener(request: ListenRequest): number {
  let fd = -1;
  try {
    fd = openUnbound(request);
    setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (request.protocol === "tcp") setTcpOptions(fd, request.timeouts);
    else setUdpOptions(fd, request.address);
    const sockaddr = sockaddrOf(request);
    checkResult(libc.bind(fd, addressOf(sockaddr), sockaddr.length), "bind", name(request));
    if (request.protocol === "tcp") checkResult(libc.listen(fd, backlog), "listen", name(request));
    return fd;
  } catch (error) {
    if (fd !== -1) closeDescriptor(fd);
    throw explain(request, error);
  }
}

/** Options of a TCP listener; accepted sockets inherit them, which spares calls a connection. */
export function setTcpOptions(fd: number, timeouts: ProxyTimeouts): void {
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeouts.userTimeoutMs);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, timeouts.keepaliveMs > 0 ? 1 : 0);
  if (timeouts.keepaliveMs === 0) return;
  const seconds = Math.max(1, Math.round(timeouts.keepaliveMs / 1000));
  setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
}

function setUdpOptions(fd: number, address: string): void {
  setOption(fd, SOL_SOCKET, SO_RCVBUF, udpReceiveBytes);
  // Answers must come from the address the client asked, also behind a wildcard.
  if (address.includes(":")) setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  else setOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
}
