/**
 * ICMP echo for all ping checks: one socket a family, opened with the first ping in flight and
 * closed after the last.
 *
 * A ping socket (icmp(7)) needs the process's group in `net.ipv4.ping_group_range`, a raw one
 * CAP_NET_RAW. A raw socket hears the replies to every program, so each request carries an
 * identifier, a sequence number and random bytes, and a reply counts only if all of them and its
 * source are right.
 *
 * @module
 */

import { EPOLLIN } from "../../ffi/constants/epoll.ts";
import { AF_INET, AF_INET6 } from "../../ffi/constants/socket.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { openEchoSocket, receiveDatagram, sendDatagram } from "../../ffi/icmp.ts";
import type { EchoSocket } from "../../ffi/icmp.ts";
import { libc } from "../../ffi/libc.ts";
import { encodeSockaddr } from "../../ffi/sockaddr.ts";
import type { Clock } from "../clock/index.ts";
import { familyOf, parseAddress } from "../net/address.ts";
import type { Family } from "../net/address.ts";
import { decodeEcho, encodeEcho, ipv4Payload } from "../net/icmp.ts";
import { remainingMs, timedOut } from "./connector.ts";
import type { Deadline } from "./connector.ts";
import { failureOfErrno } from "./failure.ts";
import type { Failure } from "./failure.ts";
import type { PollLoop } from "./poll-loop.ts";

/** Sends echo requests. */
export interface Pinger {
  /** Sends one; undefined: the reply came. Settles at the latest at the deadline. */
  ping(address: string, deadline: Deadline): Promise<Failure | undefined>;
}

/** As ping(8): 64 bytes with the header. */
const dataBytes = 56;
const sequenceMask = 0xffff;
/** Replies taken at once, so that a flood of them cannot hold the main thread. */
const datagramsMax = 256;
/** Longer ones are cut off and then do not match. */
const datagramBytesMax = 512;

interface Pending {
  readonly address: Uint8Array;
  readonly data: Uint8Array;
  settle(failure: Failure | undefined): void;
}

/** Pings of one family: its socket while any is in flight, and who waits for which sequence. */
class FamilyPinger {
  readonly #family: Family;
  readonly #pollLoop: PollLoop;
  readonly #pending = new Map<number, Pending>();
  readonly #buffer = new Uint8Array(datagramBytesMax);
  readonly #identifier = crypto.getRandomValues(new Uint16Array(1))[0]!;
  #socket: EchoSocket | undefined;
  #sequence = 0;

  constructor(family: Family, pollLoop: PollLoop) {
    this.#family = family;
    this.#pollLoop = pollLoop;
  }

  /** Sends a request for `pending`; a number names it for {@link end}. */
  send(pending: Pending): number | Failure {
    const sequence = this.#freeSequence();
    const opened = this.#open();
    if (opened !== undefined) return opened;
    const request = { kind: "request", identifier: this.#identifier, sequence } as const;
    const bytes = encodeEcho(this.#family, { ...request, data: pending.data });
    const error = sendDatagram(this.#socket!.fd, bytes, encodeSockaddr(pending.address, 0));
    if (error !== 0) {
      this.#closeIfIdle();
      return failureOfErrno(error, "send");
    }
    this.#pending.set(sequence, pending);
    return sequence;
  }

  /** Nobody waits for this sequence any more. */
  end(sequence: number): void {
    this.#pending.delete(sequence);
    this.#closeIfIdle();
  }

  /** The next sequence, or an overtaken one: after 65536 pings in flight the oldest has lost. */
  #freeSequence(): number {
    this.#sequence = (this.#sequence + 1) & sequenceMask;
    const oldest = this.#pending.get(this.#sequence);
    oldest?.settle({ reason: "no-resources", detail: "too many pings in flight" });
    return this.#sequence;
  }

  #open(): Failure | undefined {
    if (this.#socket !== undefined) return undefined;
    try {
      this.#socket = openEchoSocket(this.#family === 4 ? AF_INET : AF_INET6);
    } catch (error) {
      if (error instanceof SyscallError) return failureOfErrno(error.errno, "open ICMP socket");
      throw error;
    }
    const error = this.#pollLoop.watch(this.#socket.fd, EPOLLIN, () => this.#receive());
    if (error === 0) return undefined;
    this.#closeIfIdle();
    return failureOfErrno(error, "epoll");
  }

  #closeIfIdle(): void {
    if (this.#pending.size > 0 || this.#socket === undefined) return;
    this.#pollLoop.forget(this.#socket.fd);
    libc.close(this.#socket.fd);
    this.#socket = undefined;
  }

  #receive(): void {
    for (let count = 0; count < datagramsMax && this.#socket !== undefined; count++) {
      const { fd, isRaw } = this.#socket;
      const datagram = receiveDatagram(fd, this.#buffer);
      if (datagram === undefined) return;
      const hasHeader = isRaw && this.#family === 4;
      const message = hasHeader ? ipv4Payload(datagram.bytes) : datagram.bytes;
      if (message !== undefined) this.#onMessage(message, datagram.address, isRaw);
    }
  }

  #onMessage(message: Uint8Array, source: Uint8Array, isRaw: boolean): void {
    const decoded = decodeEcho(this.#family, message);
    if (!decoded.ok || decoded.echo.kind !== "reply") return;
    const { identifier, sequence, data } = decoded.echo;
    if (isRaw && identifier !== this.#identifier) return;
    const pending = this.#pending.get(sequence);
    if (pending === undefined || Buffer.compare(pending.address, source) !== 0) return;
    if (Buffer.compare(pending.data, data) === 0) pending.settle(undefined);
  }
}

/** Creates a pinger. Its deadlines run on `clock`, its sockets on `pollLoop`. */
export function createPinger(clock: Clock, pollLoop: PollLoop): Pinger {
  const families = { 4: new FamilyPinger(4, pollLoop), 6: new FamilyPinger(6, pollLoop) };
  return {
    ping(address, deadline) {
      const family = families[familyOf(address)];
      const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
      const timer = clock.after(remainingMs(clock, deadline), () =>
        settle(timedOut("no reply", deadline)),
      );
      const settle = (failure: Failure | undefined): void => {
        timer.cancel();
        if (typeof sent === "number") family.end(sent);
        resolve(failure);
      };
      const data = crypto.getRandomValues(new Uint8Array(dataBytes));
      const sent = family.send({ address: parseAddress(address)!, data, settle });
      if (typeof sent !== "number") settle(sent);
      return promise;
    },
  };
}
