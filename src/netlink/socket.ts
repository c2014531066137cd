/**
 * Requests to the kernel and its answers, one after another: acknowledged calls, lists, batches.
 *
 * Everything is synchronous and blocks the calling thread, at most for the timeout: rtnetlink and
 * its kin answer within the system call unless another process holds the kernel's lock. So the
 * real-time thread can use it without an event loop. Belongs to one thread.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import {
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
  NLMSG_OVERRUN,
} from "../../ffi/constants/netlink.ts";
import { EBUSY, EINTR } from "../../ffi/errno.ts";
import type { Decoded } from "./decoded.ts";
import { isRefusal, NetlinkError, refused } from "./error.ts";
import { decodeAcknowledgement, decodeMessages, encodeMessage } from "./message.ts";
import type { Acknowledgement, NetlinkMessage } from "./message.ts";
import { openTransport } from "./transport.ts";
import type { NetlinkTransport } from "./transport.ts";

/** Longest wait for an answer: the kernel's rtnl lock is held that long on a very busy host. */
const defaultTimeoutMs = 2_000;
/** A list that changes while it is read is read again, so often; then the change never rests. */
const dumpAttemptsMax = 10;
/** Most entries of one list: a full routing table of the Internet, and no endless one. */
const dumpEntriesMax = 2_000_000;

/** One request. */
export interface NetlinkRequest {
  /** What it is to do, for the error: reads on from "Cannot". */
  readonly operation: string;
  readonly type: number;
  /** Flags beside NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags?: number;
  /** The protocol's head and the attributes. */
  readonly payload: Uint8Array;
}

/** Message to value; undefined for messages that say nothing to who asks. */
export type Decode<Value> = (message: NetlinkMessage) => Decoded<Value | undefined>;

/** What {@link NetlinkSocket} may be told. */
export interface NetlinkSocketSettings {
  /** Longest wait for the next answer, ms. @default 2000 */
  readonly timeoutMs?: number;
}

function malformed(operation: string, what: string): NetlinkError {
  return new NetlinkError(
    "NETLINK_MALFORMED",
    `Cannot ${operation}: the kernel's answer is ${what}`,
  );
}

function decodeWith<Value>(
  decode: Decode<Value>,
  operation: string,
  message: NetlinkMessage,
): Value | undefined {
  if (message.type === NLMSG_OVERRUN) throw malformed(operation, "incomplete");
  if (message.type === NLMSG_NOOP) return undefined;
  const result = decode(message);
  if (!result.ok) throw malformed(operation, `unreadable (${result.fault})`);
  return result.value;
}

/** A netlink socket for requests. The opener closes it. */
export class NetlinkSocket implements Disposable {
  readonly #transport: NetlinkTransport;
  readonly #timeoutMs: number;
  #sequence = 0;

  constructor(transport: NetlinkTransport, settings: NetlinkSocketSettings = {}) {
    this.#transport = transport;
    this.#timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
  }

  /** Own port: the kernel's name for this socket as an owner. */
  get port(): number {
    return this.#transport.port;
  }

  /**
   * Sends a request and waits for its acknowledgement.
   *
   * @returns What was answered before it.
   * @throws {NetlinkError} `NETLINK_REFUSED` with errno and the kernel's words, `NETLINK_TIMEOUT`,
   *   `NETLINK_MALFORMED`, `NETLINK_SOCKET`.
   */
  request<Value = never>(request: NetlinkRequest, decode?: Decode<Value>): Value[] {
    return this.#exchange(request, NLM_F_ACK, decode).values;
  }

  /**
   * Asks for a list. One that changed meanwhile (NLM_F_DUMP_INTR) is asked for again.
   *
   * @throws {NetlinkError} As {@link request}, and `NETLINK_INTERRUPTED` if the list never rests.
   */
  dump<Value>(request: NetlinkRequest, decode: Decode<Value>): Value[] {
    for (let attempt = 0; attempt < dumpAttemptsMax; attempt++) {
      try {
        const { values, isComplete } = this.#exchange(request, NLM_F_DUMP, decode);
        if (isComplete) return values;
      } catch (error) {
        // EBUSY: a list that was given up before is still being made.
        if (!isRefusal(error, EINTR, EBUSY)) throw error;
      }
    }
    const message = `Cannot ${request.operation}: it changed each of ${dumpAttemptsMax} times`;
    throw new NetlinkError("NETLINK_INTERRUPTED", message);
  }

  /**
   * Sends messages that the kernel takes as a whole or not at all (nfnetlink's transactions).
   *
   * @param build Gets the sequence number of the first message; gives all of them in one array of
   *   bytes, numbered on by one, of which only the last but one (before the end mark) asks for an
   *   acknowledgement. @param count How many they are.
   * @throws {NetlinkError} `NETLINK_REFUSED` with the first refusal.
   */
  transact(operation: string, count: number, build: (sequence: number) => Uint8Array): void {
    const first = this.#nextSequence(count);
    const acknowledged = first + count - 2;
    this.#transport.send(build(first));
    let refusal: Acknowledgement | undefined;
    for (;;) {
      for (const message of this.#receive(operation)) {
        if (message.sequence < first || message.sequence >= first + count) continue;
        if (message.type !== NLMSG_ERROR) continue;
        const acknowledgement = this.#acknowledgement(operation, message);
        if (acknowledgement.errno !== 0) refusal ??= acknowledgement;
        // A refusal of the opening mark is one of the whole, and nothing follows.
        const isOver = message.sequence === acknowledged || message.sequence === first;
        if (isOver && refusal !== undefined) throw refused(operation, refusal);
        if (message.sequence === acknowledged) return;
      }
    }
  }

  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** First of `count` numbers in a row; never 0, which marks notices. */
  #nextSequence(count: number): number {
    if (this.#sequence + count >= 0xffff_ffff) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  #exchange<Value>(
    request: NetlinkRequest,
    how: number,
    decode: Decode<Value> | undefined,
  ): { values: Value[]; isComplete: boolean } {
    const { operation, type, payload } = request;
    const sequence = this.#nextSequence(1);
    const flags = NLM_F_REQUEST | how | (request.flags ?? 0);
    this.#transport.send(encodeMessage({ type, flags, sequence, port: 0, payload }));
    const values: Value[] = [];
    let isComplete = true;
    for (;;) {
      for (const message of this.#receive(operation)) {
        // Late answers to a request that timed out.
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) isComplete = false;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const acknowledgement = this.#acknowledgement(operation, message);
          if (acknowledgement.errno !== 0) throw refused(operation, acknowledgement);
          return { values, isComplete };
        }
        const value = decode && decodeWith(decode, operation, message);
        if (value !== undefined && values.push(value) > dumpEntriesMax) {
          throw malformed(operation, "endless");
        }
      }
    }
  }

  #acknowledgement(operation: string, message: NetlinkMessage): Acknowledgement {
    const result = decodeAcknowledgement(message);
    if (result.ok) return result.value;
    throw malformed(operation, `unreadable (${result.fault})`);
  }

  /** The messages of the next datagram; views, valid until the next call. */
  #receive(operation: string): readonly NetlinkMessage[] {
    const startedMs = monotonicMs();
    const received = this.#transport.receive(this.#timeoutMs);
    switch (received.kind) {
      case "datagram": {
        const { messages, fault } = decodeMessages(received.bytes);
        if (fault !== undefined) throw malformed(operation, `unreadable (${fault})`);
        return messages;
      }
      case "nothing": {
        const waitedMs = Math.round(monotonicMs() - startedMs);
        const message = `Cannot ${operation}: no answer of the kernel in ${waitedMs} ms`;
        throw new NetlinkError("NETLINK_TIMEOUT", message);
      }
      case "overrun":
        throw malformed(operation, "incomplete: the receive buffer overflowed");
      case "truncated":
        throw malformed(operation, "longer than any message may be");
    }
  }
}

/**
 * Opens a socket for requests of a protocol (`NETLINK_ROUTE`, …) in the network namespace of this
 * thread.
 *
 * @throws {NetlinkError} `NETLINK_NOT_SUPPORTED`, `NETLINK_SOCKET`.
 */
export function openNetlink(protocol: number, settings?: NetlinkSocketSettings): NetlinkSocket {
  return new NetlinkSocket(openTransport(protocol), settings);
}
