/**
 * The seam between this folder and the kernel: whole datagrams in and out.
 *
 * {@link openTransport} gives the kernel's; tests put one of memory in its place
 * (test/helpers/fake-kernel.ts). Owns one descriptor and its buffer; belongs to one thread.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import { MSG_NOSIGNAL } from "../../ffi/constants/socket.ts";
import {
  EAFNOSUPPORT,
  EAGAIN,
  EINTR,
  ENOBUFS,
  EPROTONOSUPPORT,
  errnoName,
  SyscallError,
} from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import {
  NetlinkBuffer,
  netlinkBytesMax,
  netlinkPort,
  openNetlinkSocket,
} from "../../ffi/netlink.ts";
import type { NetlinkSocketOptions } from "../../ffi/netlink.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { NetlinkError } from "./error.ts";

/**
 * What {@link NetlinkTransport.receive} found. `nothing`: until the timeout. `overrun`: the kernel
 * had to drop messages (ENOBUFS); what is known must be read anew. `truncated`: a datagram longer
 * than the buffer was taken and dropped.
 */
export type Received =
  | { readonly kind: "datagram"; readonly bytes: Uint8Array }
  | { readonly kind: "nothing" | "overrun" | "truncated" };

/** A netlink socket as whole datagrams. */
export interface NetlinkTransport {
  /** For an epoll loop; -1 if there is none. */
  readonly fd: number;
  /** Own port, by which the kernel knows the owner of things. */
  readonly port: number;
  /** @throws {NetlinkError} `NETLINK_SOCKET` if the kernel does not even take the bytes. */
  send(bytes: Uint8Array): void;
  /**
   * Takes the next datagram of the kernel; its bytes are valid until the next call.
   *
   * @param timeoutMs How long to block this thread; 0: not at all.
   */
  receive(timeoutMs: number): Received;
  /** Once; later calls do nothing. */
  close(): void;
}

const nothing = { kind: "nothing" } as const;
const overrun = { kind: "overrun" } as const;
const truncated = { kind: "truncated" } as const;

/** The kernel's end of {@link NetlinkTransport}. */
class KernelTransport implements NetlinkTransport {
  readonly fd: number;
  readonly port: number;
  readonly #buffer = new NetlinkBuffer();
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
    this.port = netlinkPort(fd);
  }

  send(bytes: Uint8Array): void {
    // Not connected: without an address the datagram goes to port 0, the kernel.
    if (libc.send(this.fd, addressOf(bytes), bytes.length, MSG_NOSIGNAL) === bytes.length) return;
    const reason = errno();
    const message = `Cannot send ${bytes.length} bytes to the kernel: ${errnoName(reason)}`;
    throw new NetlinkError("NETLINK_SOCKET", message, { errno: reason });
  }

  receive(timeoutMs: number): Received {
    const deadline = monotonicMs() + timeoutMs;
    for (;;) {
      const found = this.#take();
      if (found !== undefined) return found;
      const left = Math.ceil(deadline - monotonicMs());
      if (left <= 0) return nothing;
      this.#buffer.wait(this.fd, left);
    }
  }

  /** Undefined: nothing there, or something that is not the kernel's. */
  #take(): Received | undefined {
    const length = this.#buffer.receive(this.fd);
    if (length === -1) {
      const reason = errno();
      if (reason === EAGAIN || reason === EINTR) return undefined;
      if (reason === ENOBUFS) return overrun;
      throw new NetlinkError("NETLINK_SOCKET", `Cannot receive: ${errnoName(reason)}`, {
        errno: reason,
      });
    }
    if (!this.#buffer.isFromKernel()) return undefined;
    if (length > netlinkBytesMax) return truncated;
    return { kind: "datagram", bytes: this.#buffer.data.subarray(0, length) };
  }

  close(): void {
    // Twice is no fault, and must not close what got the same number meanwhile.
    if (this.#isOpen) closeDescriptor(this.fd);
    this.#isOpen = false;
  }
}

/**
 * Opens a netlink socket of a protocol (`NETLINK_ROUTE`, …) in the network namespace of this
 * thread. The caller closes it.
 *
 * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED` if the kernel has no such protocol,
 *   `NETLINK_SOCKET` otherwise.
 */
export function openTransport(
  protocol: number,
  options: NetlinkSocketOptions = {},
): NetlinkTransport {
  try {
    return new KernelTransport(openNetlinkSocket(protocol, options));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const isMissing = error.errno === EPROTONOSUPPORT || error.errno === EAFNOSUPPORT;
    const code = isMissing ? "NETLINK_NOT_SUPPORTED" : "NETLINK_SOCKET";
    const message = `Cannot open a netlink socket of protocol ${protocol}: ${error.message}`;
    throw new NetlinkError(code, message, { errno: error.errno, cause: error });
  }
}
