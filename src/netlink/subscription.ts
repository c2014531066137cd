/**
 * Notices of the kernel (multicast groups), drained from an epoll loop without blocking.
 *
 * The kernel drops notices when the receive buffer is full and says so once (ENOBUFS). Then what
 * the owner knows is stale: {@link DrainResult.isStale} asks it to read everything anew. The order
 * that loses nothing: drain first, then read.
 *
 * @module
 */

import { decodeMessages } from "./message.ts";
import type { NetlinkMessage } from "./message.ts";
import { openTransport } from "./transport.ts";
import type { NetlinkTransport } from "./transport.ts";

/** Datagrams taken in one drain, so that a storm of notices cannot keep a thread from its beat. */
export const drainDatagramsMax = 256;
/**
 * Receive buffer asked for. A notice takes about 2 KiB of it: room for more than a thousand
 * addresses that come or go while the reader does something else.
 */
const receiveBytes = 4 * 1024 * 1024;

/** How a drain went. */
export interface DrainResult {
  /** Notices were lost or could not be read: what is known must be read anew. */
  readonly isStale: boolean;
  /** The bound was reached and more may wait: drain again. */
  readonly hasMore: boolean;
}

/** A socket that hears notices. The opener closes it. */
export class Subscription implements Disposable {
  readonly #transport: NetlinkTransport;

  constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /** For an epoll set, level or edge triggered; readable and errors both ask for a drain. */
  get fd(): number {
    return this.#transport.fd;
  }

  /**
   * Takes what is there, without waiting for the first unless told to.
   *
   * @param notice Gets each message; its payload is valid until `notice` returns.
   * @param timeoutMs How long to block for the first datagram. @default 0
   * @throws {NetlinkError} `NETLINK_SOCKET` if the descriptor is unusable.
   */
  drain(notice: (message: NetlinkMessage) => void, timeoutMs = 0): DrainResult {
    let isStale = false;
    for (let count = 0; count < drainDatagramsMax; count++) {
      const received = this.#transport.receive(count === 0 ? timeoutMs : 0);
      if (received.kind === "nothing") return { isStale, hasMore: false };
      if (received.kind !== "datagram") {
        isStale = true;
        continue;
      }
      const { messages, fault } = decodeMessages(received.bytes);
      if (fault !== undefined) isStale = true;
      for (const message of messages) notice(message);
    }
    return { isStale, hasMore: true };
  }

  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What {@link subscribe} may be told. */
export interface SubscribeOptions {
  /** Receive buffer in bytes. @default 4 MiB */
  readonly receiveBytes?: number;
}

/**
 * Hears groups of a protocol in the network namespace of this thread.
 *
 * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED`, `NETLINK_SOCKET`.
 */
export function subscribe(
  protocol: number,
  groups: readonly number[],
  options: SubscribeOptions = {},
): Subscription {
  return new Subscription(openTransport(protocol, { groups, receiveBytes, ...options }));
}
