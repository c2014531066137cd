/**
 * One question of a check over UDP: a connected socket, one datagram, the first answer that
 * counts. Connected, so that the kernel takes datagrams of this server only and tells that nobody
 * listens (ICMP port unreachable, udp(7)).
 *
 * @module
 */

import { EPOLLIN } from "../../ffi/constants/epoll.ts";
import {
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../ffi/constants/socket.ts";
import { datagramBytesMax } from "../../ffi/datagram.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import { localAddress } from "../../ffi/socket.ts";
import type { Clock } from "../clock/index.ts";
import { invariant } from "../errors/index.ts";
import { formatAddress } from "../net/address.ts";
import { remainingMs, timedOut } from "./connector.ts";
import type { Deadline, Destination } from "./connector.ts";
import { failureOfErrno } from "./failure.ts";
import type { Failure } from "./failure.ts";
import type { PollLoop } from "./poll-loop.ts";

/** Where the answer goes to. */
export interface LocalEnd {
  readonly address: string;
  readonly port: number;
}

/** A question and who judges its answers. */
export interface DatagramRequest {
  readonly destination: Destination;
  readonly deadline: Deadline;
  /** The datagram; sent twice if no answer came in half of the time, as datagrams get lost. */
  encode(local: LocalEnd): Uint8Array;
  /** Judges a datagram, whose bytes are its own only during the call. */
  judge(bytes: Uint8Array): "up" | "ignored" | Failure;
}

/** Datagrams taken at once, so that a flood of them cannot hold the main thread. */
const datagramsMax = 64;

const buffer = new Uint8Array(datagramBytesMax);
const bufferAddress = addressOf(buffer);

/** Opens a connected socket. @returns The descriptor, or a negative errno. */
function openConnected({ domain, sockaddr, sockaddrAddress }: Destination): number {
  const fd = libc.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd === -1) return -errno();
  if (libc.connect(fd, sockaddrAddress, sockaddr.length) !== -1) return fd;
  const reason = errno();
  libc.close(fd);
  return -reason;
}

function localEnd(fd: number): LocalEnd {
  const local = localAddress(fd);
  // A socket that this file has opened is one of IP.
  invariant(local !== undefined, "a connected socket has an address");
  return { address: formatAddress(local.address), port: local.port };
}

/** Sends one datagram; undefined: the kernel has it. */
function sendOnce(fd: number, bytes: Uint8Array): Failure | undefined {
  const sentBytes = libc.send(fd, addressOf(bytes), bytes.length, MSG_NOSIGNAL);
  return sentBytes === -1 ? failureOfErrno(errno(), "send") : undefined;
}

/** Judges what has arrived; undefined: nothing that counts. */
function takeAnswers(fd: number, judge: DatagramRequest["judge"]): "up" | Failure | undefined {
  for (let count = 0; count < datagramsMax; count++) {
    const length = libc.recv(fd, bufferAddress, datagramBytesMax, 0);
    if (length === -1) {
      const reason = errno();
      return reason === EAGAIN ? undefined : failureOfErrno(reason, "receive");
    }
    const verdict = judge(buffer.subarray(0, length));
    if (verdict !== "ignored") return verdict;
  }
  return undefined;
}

/** Asks; undefined: up. Settles and closes its socket at the latest at the deadline. */
export function askByDatagram(
  clock: Clock,
  pollLoop: PollLoop,
  request: DatagramRequest,
): Promise<Failure | undefined> {
  const { destination, deadline } = request;
  const fd = openConnected(destination);
  if (fd < 0) return Promise.resolve(failureOfErrno(-fd, "connect"));
  const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
  let isOpen = true;
  const settle = (failure: Failure | undefined): void => {
    if (!isOpen) return;
    isOpen = false;
    repeat.cancel();
    timer.cancel();
    pollLoop.forget(fd);
    libc.close(fd);
    resolve(failure);
  };
  const timer = clock.after(remainingMs(clock, deadline), () =>
    settle(timedOut("no answer", deadline)),
  );
  const bytes = request.encode(localEnd(fd));
  const send = (): void => {
    const failure = sendOnce(fd, bytes);
    if (failure !== undefined) settle(failure);
  };
  const repeat = clock.after(remainingMs(clock, deadline) / 2, send);
  const watchError = pollLoop.watch(fd, EPOLLIN, () => {
    const verdict = takeAnswers(fd, (answer) => request.judge(answer));
    if (verdict !== undefined) settle(verdict === "up" ? undefined : verdict);
  });
  if (watchError === 0) send();
  else settle(failureOfErrno(watchError, "epoll"));
  return promise;
}
