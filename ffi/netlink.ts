/**
 * Netlink sockets (netlink(7)) as raw bindings: opened and bound, waited for with poll(2), one
 * datagram received into a buffer that is set up once. What the bytes mean is src/netlink's.
 *
 * ```text
 * struct sockaddr_nl:  family 2 | pad 2 | port 4 | groups 4        port 0 is the kernel
 * struct pollfd:       fd 4 | events 2 | revents 2
 * ```
 *
 * @module
 */

import {
  AF_NETLINK,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  SO_RCVBUFFORCE,
  SOL_NETLINK,
} from "./constants/netlink.ts";
import { POLLIN } from "./constants/poll.ts";
import { MSG_DONTWAIT, MSG_TRUNC, SO_RCVBUF, SOCK_RAW, SOL_SOCKET } from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult, closeDescriptor, openSocket, setOption } from "./socket.ts";

const sockaddrNetlinkBytes = 12;

/**
 * Longest datagram that is taken. The kernel fills at most 32 KiB of a dump into one; the double
 * leaves room for single messages that grow.
 */
export const netlinkBytesMax = 65_536;

function tryOption(fd: number, level: number, option: number, value: number): boolean {
  return libc.setsockopt(fd, level, option, addressOf(new Int32Array([value])), 4) !== -1;
}

/** How {@link openNetlinkSocket} sets a socket up. */
export interface NetlinkSocketOptions {
  /** Multicast groups to join, by number. */
  readonly groups?: readonly number[];
  /** Receive buffer in bytes; more than the system's limit needs CAP_NET_ADMIN. */
  readonly receiveBytes?: number;
}

/**
 * Opens a non-blocking socket with a port of its own. The caller owns the descriptor.
 *
 * Acknowledgements carry the kernel's reason and not the request; requests to read are checked
 * strictly. Kernels that know none of this (before 4.20) leave it out.
 *
 * @throws {SyscallError} `EPROTONOSUPPORT` without such a protocol in the kernel, `EPERM` for a
 *   group that needs privileges.
 */
export function openNetlinkSocket(protocol: number, options: NetlinkSocketOptions = {}): number {
  const fd = openSocket(AF_NETLINK, SOCK_RAW, protocol);
  try {
    tryOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    tryOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    tryOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    const { receiveBytes, groups = [] } = options;
    if (receiveBytes !== undefined && !tryOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) {
      setOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBytes);
    }
    const name = new Uint8Array(sockaddrNetlinkBytes);
    name[0] = AF_NETLINK;
    checkResult(libc.bind(fd, addressOf(name), name.length), "bind", "netlink, any port");
    for (const group of groups) setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** Port that the kernel gave to a bound netlink socket: the owner it knows tables by. */
export function netlinkPort(fd: number): number {
  const name = new Uint32Array(sockaddrNetlinkBytes / 4);
  const length = new Uint32Array([sockaddrNetlinkBytes]);
  checkResult(libc.getsockname(fd, addressOf(name), addressOf(length)), "getsockname", `fd ${fd}`);
  return name[1]!;
}

/** Buffers of one netlink socket. Belongs to one thread. */
export class NetlinkBuffer {
  /** The last datagram; valid until the next {@link receive}. */
  readonly data = new Uint8Array(netlinkBytesMax);
  readonly #dataAddress = addressOf(this.data);
  readonly #name = new Uint32Array(sockaddrNetlinkBytes / 4);
  readonly #nameAddress = addressOf(this.#name);
  readonly #nameLength = new Uint32Array(1);
  readonly #nameLengthAddress = addressOf(this.#nameLength);
  readonly #poll = new Int32Array(2);
  readonly #pollAddress = addressOf(this.#poll);

  /**
   * Blocks this thread until there is something to receive, an overrun included.
   *
   * @param timeoutMs Whole milliseconds, 0 or more.
   * @returns 1, 0 at the timeout, -1 with errno set (EINTR).
   */
  wait(fd: number, timeoutMs: number): number {
    this.#poll[0] = fd;
    this.#poll[1] = POLLIN;
    return libc.poll(this.#pollAddress, 1, timeoutMs);
  }

  /**
   * Takes one datagram into {@link data}.
   *
   * @returns Its true length, which is more than {@link netlinkBytesMax} if its end was cut off;
   *   -1 with errno set (EAGAIN, ENOBUFS after messages were lost).
   */
  receive(fd: number): number {
    this.#nameLength[0] = sockaddrNetlinkBytes;
    return libc.recvfrom(
      fd,
      this.#dataAddress,
      netlinkBytesMax,
      MSG_DONTWAIT | MSG_TRUNC,
      this.#nameAddress,
      this.#nameLengthAddress,
    );
  }

  /** True if the kernel sent the last datagram: another process may send some, too. */
  isFromKernel(): boolean {
    return this.#name[1] === 0;
  }
}
