/**
 * TCP handshakes of checks, many at once, through non-blocking connect(2).
 *
 * `touch` asks whether a port answers and leaves no trace: with TCP_QUICKACK off the kernel holds
 * the last acknowledgement of the handshake back, and with SO_LINGER 0 close(2) sends RST instead.
 * The real server's program never sees the connection, its accept queue stays free, and no side
 * keeps a TIME_WAIT entry. `dial` completes the handshake and hands the descriptor over.
 *
 * @module
 */

import { EPOLLERR, EPOLLHUP, EPOLLOUT } from "../../ffi/constants/epoll.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_TCP,
  SO_ERROR,
  SO_LINGER,
  SO_MARK,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_QUICKACK,
} from "../../ffi/constants/socket.ts";
import { EINPROGRESS } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import type { Pointer } from "../../ffi/libc.ts";
import { encodeSockaddr, sockaddrBytesMax } from "../../ffi/sockaddr.ts";
import type { Clock, Timer } from "../clock/index.ts";
import { parseAddress } from "../net/address.ts";
import { failureOfErrno } from "./failure.ts";
import type { Failure } from "./failure.ts";
import type { PollLoop } from "./poll-loop.ts";

/** Where to connect to, prepared once and used for every check. */
export interface Destination {
  readonly domain: number;
  readonly sockaddr: Uint8Array;
  readonly sockaddrAddress: Pointer;
}

/** Outcome of {@link Connector.dial}: a descriptor that the receiver owns, or why there is none. */
export type DialOutcome =
  { readonly ok: true; readonly fd: number } | { readonly ok: false; readonly failure: Failure };

/** The one deadline of a check, shared by everything it consists of. */
export interface Deadline {
  /** Monotonic time. */
  readonly atMs: number;
  /** How long the whole check may take, for the reason shown. */
  readonly limitMs: number;
}

/** A mark for the packets of a handshake. */
export interface TouchOptions {
  /** SO_MARK; the local port is then one that no other socket has. Undefined: none. */
  readonly mark?: number | undefined;
}

/** Opens TCP connections. Both calls settle at the latest at the deadline. */
export interface Connector {
  /** Asks for a handshake and drops it; undefined: the port answers. */
  touch(
    destination: Destination,
    deadline: Deadline,
    options?: TouchOptions,
  ): Promise<Failure | undefined>;
  /** Connects; the descriptor is non-blocking and belongs to the caller. */
  dial(destination: Destination, deadline: Deadline): Promise<DialOutcome>;
}

interface OpenRequest extends TouchOptions {
  readonly destination: Destination;
  readonly deadline: Deadline;
  readonly isTraceless: boolean;
}

/** Time left until the deadline, 0 once it is over. */
export function remainingMs(clock: Clock, { atMs }: Deadline): number {
  return Math.max(0, atMs - clock.nowMs());
}

/** Failure of a check whose time is over. `what` did not come, for example `no connection`. */
export function timedOut(what: string, { limitMs }: Deadline): Failure {
  return { reason: "timeout", detail: `${what} within ${limitMs} ms` };
}

/** Prepares a destination. `address` must be canonical. */
export function prepareDestination(address: string, port: number): Destination {
  const sockaddr = encodeSockaddr(parseAddress(address)!, port);
  const domain = address.includes(":") ? AF_INET6 : AF_INET;
  return { domain, sockaddr, sockaddrAddress: addressOf(sockaddr) };
}

/** Buffers of system calls; the module keeps them referenced, as addresses demand. */
const buffers = {
  lingerReset: new Int32Array([1, 0]),
  zero: new Int32Array([0]),
  value: new Int32Array(1),
  length: new Uint32Array([4]),
  local: new Uint8Array(sockaddrBytesMax),
  any: new Uint8Array(sockaddrBytesMax),
};
const lingerResetAddress = addressOf(buffers.lingerReset);
const zeroAddress = addressOf(buffers.zero);
const valueAddress = addressOf(buffers.value);
const lengthAddress = addressOf(buffers.length);
const localAddress = addressOf(buffers.local);
const anyAddress = addressOf(buffers.any);

/** Pending error of a socket, which this clears; 0: none. */
function takeSocketError(fd: number): number {
  buffers.length[0] = 4;
  const result = libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, valueAddress, lengthAddress);
  return result === -1 ? errno() : buffers.value[0]!;
}

/** Lets a connection end without a trace. A kernel that refuses these options only costs that. */
function setTraceless(fd: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerResetAddress, 8);
  libc.setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, zeroAddress, 4);
}

/**
 * Marks a socket, and has the kernel choose its port now: one that no other socket has, whatever
 * that is connected to. @returns 0, or a negative errno.
 */
function setMark(fd: number, { domain, sockaddr }: Destination, mark: number): number {
  buffers.value[0] = mark;
  if (libc.setsockopt(fd, SOL_SOCKET, SO_MARK, valueAddress, 4) === -1) return -errno();
  buffers.any[0] = domain;
  return libc.bind(fd, anyAddress, sockaddr.length) === -1 ? -errno() : 0;
}

/** Starts a handshake. @returns The descriptor, or a negative errno. */
function startConnect({ destination, isTraceless, mark }: OpenRequest): number {
  const fd = libc.socket(destination.domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd === -1) return -errno();
  if (isTraceless) setTraceless(fd);
  const refused = mark === undefined ? 0 : setMark(fd, destination, mark);
  if (refused !== 0) {
    libc.close(fd);
    return refused;
  }
  const { sockaddr, sockaddrAddress } = destination;
  if (libc.connect(fd, sockaddrAddress, sockaddr.length) === -1) {
    const reason = errno();
    if (reason !== EINPROGRESS) {
      libc.close(fd);
      return -reason;
    }
  }
  return fd;
}

/**
 * True if a socket is connected to itself. That happens when nobody listens on a port of this host
 * and the kernel chooses just this port as the local one: both ends then open at the same time.
 */
function isConnectedToItself(fd: number, { sockaddr }: Destination): boolean {
  buffers.length[0] = sockaddrBytesMax;
  if (libc.getsockname(fd, localAddress, lengthAddress) === -1) return false;
  const [start, end] = sockaddr.length === sockaddrBytesMax ? [8, 24] : [4, 8];
  for (const index of [2, 3]) if (buffers.local[index] !== sockaddr[index]) return false;
  for (let index = start; index < end; index++) {
    if (buffers.local[index] !== sockaddr[index]) return false;
  }
  return true;
}

const selfConnected: Failure = { reason: "refused", detail: "connect: nobody listens" };

/** Why a socket that epoll reported is not connected; undefined: it is. */
function connectFailure(fd: number, mask: number, destination: Destination): Failure | undefined {
  const error = (mask & (EPOLLERR | EPOLLHUP)) === 0 ? 0 : takeSocketError(fd);
  if (error !== 0) return failureOfErrno(error, "connect");
  return isConnectedToItself(fd, destination) ? selfConnected : undefined;
}

/** Creates a connector. Its deadlines run on `clock`, its sockets on `pollLoop`. */
export function createConnector(clock: Clock, pollLoop: PollLoop): Connector {
  /** Calls `settle` once: with a descriptor that it owns, or with -1 and a failure. */
  const open = (
    request: OpenRequest,
    settle: (fd: number, failure: Failure | undefined) => void,
  ): void => {
    const { destination, deadline, isTraceless } = request;
    const fd = startConnect(request);
    if (fd < 0) return settle(-1, failureOfErrno(-fd, "connect"));
    let timer: Timer | undefined;
    const fail = (failure: Failure): void => {
      pollLoop.forget(fd);
      libc.close(fd);
      settle(-1, failure);
    };
    const watchError = pollLoop.watch(fd, EPOLLOUT, (mask) => {
      timer?.cancel();
      const failure = connectFailure(fd, mask, destination);
      if (failure !== undefined) return fail(failure);
      if (isTraceless) pollLoop.forget(fd);
      else pollLoop.release(fd);
      settle(fd, undefined);
    });
    if (watchError !== 0) return fail(failureOfErrno(watchError, "epoll"));
    timer = clock.after(remainingMs(clock, deadline), () =>
      fail(timedOut("no connection", deadline)),
    );
  };

  return {
    touch: (destination, deadline, { mark } = {}) =>
      new Promise((resolve) => {
        open({ destination, deadline, isTraceless: true, mark }, (fd, failure) => {
          if (failure === undefined) libc.close(fd);
          resolve(failure);
        });
      }),
    dial: (destination, deadline) =>
      new Promise((resolve) => {
        open({ destination, deadline, isTraceless: false }, (fd, failure) => {
          resolve(failure === undefined ? { ok: true, fd } : { ok: false, failure });
        });
      }),
  };
}
