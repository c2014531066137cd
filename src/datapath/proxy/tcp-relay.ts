/**
 * Moves bytes between the two sides of a TCP connection until one of them blocks.
 *
 * recv/send through one buffer of the thread; after a full buffer the flow is bulk and goes on by
 * splice(2) through a pipe until it gets quiet. Edge triggered: a transfer that took less than it
 * could is taken for "empty", except when the end of the stream is in the same event (data and
 * FIN may arrive in one event, and no other will follow), and except after a short splice, which
 * may only mean that the pipe ran out of slots.
 *
 * What the receiver does not take is kept (at most one buffer, or what is in the pipe) and the
 * sender is not read until it is gone: that is the whole back-pressure.
 *
 * @module
 */

import { EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../../ffi/constants/epoll.ts";
import {
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SHUT_WR,
  SPLICE_F_MOVE,
  SPLICE_F_NONBLOCK,
  TCP_NODELAY,
} from "../../../ffi/constants/socket.ts";
import type { Poller } from "../../../ffi/epoll.ts";
import { EAGAIN } from "../../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../../ffi/libc.ts";
import type { Pointer } from "../../../ffi/libc.ts";
import { DescriptorList } from "./descriptor-list.ts";
import { flag } from "./flow-table.ts";
import type { FlowCloser, FlowTable } from "./flow-table.ts";
import type { GarbageMeter } from "./garbage-meter.ts";
import { serverWord } from "./layout.ts";
import type { PipePool } from "./pipe-pool.ts";
import type { Sockmap } from "./sockmap.ts";

/** One transfer by recv/send; a full one turns the flow to splice. */
const bufferBytes = 65_536;
const spliceBytes = 1 << 20;
/** A splice below this is the end of a burst: the pipe goes back to the pool. */
const quietBytes = 16_384;
/** Transfers for one flow before the others get their turn. */
const turnsMax = 16;

const sendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
const spliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

const one = new Int32Array([1]);
const oneAddress = addressOf(one);

/** Readiness watched once a side is connected. */
export const readEvents = EPOLLET | EPOLLIN | EPOLLRDHUP;

/** What the relay works with: parts of the same worker. */
export interface TcpRelayParts {
  readonly table: FlowTable;
  readonly poller: Poller;
  readonly pipes: PipePool;
  /** The worker's own counters. */
  readonly counters: Float64Array;
  readonly closer: FlowCloser;
  readonly garbage: GarbageMeter;
}

/** The relay of one worker. */
export class TcpRelay {
  readonly #table: FlowTable;
  readonly #poller: Poller;
  readonly #pipes: PipePool;
  readonly #counters: Float64Array;
  readonly #closer: FlowCloser;
  readonly #garbage: GarbageMeter;
  #sockmap: Sockmap | undefined;
  /** Sides whose shutdown(2) is due at the end of the batch. */
  readonly #ending = new DescriptorList();
  readonly #shutdownOne = (fd: number, generation: number): boolean => {
    if (this.#table.generation[fd] === generation) libc.shutdown(fd, SHUT_WR);
    return false;
  };
  readonly #buffer = new Uint8Array(bufferBytes);
  readonly #bufferAddress: Pointer = addressOf(this.#buffer);

  constructor({ table, poller, pipes, counters, closer, garbage }: TcpRelayParts) {
    this.#garbage = garbage;
    this.#table = table;
    this.#poller = poller;
    this.#pipes = pipes;
    this.#counters = counters;
    this.#closer = closer;
  }

  /** From now on chatty connections are handed to the kernel. */
  promoteTo(sockmap: Sockmap): void {
    this.#sockmap = sockmap;
  }

  /**
   * Moves what `source` has to `target`.
   *
   * @param mustDrain Read until the kernel says "empty": the end of the stream may be behind it.
   */
  pump(source: number, target: number, mustDrain: boolean): void {
    const { pipeRead } = this.#table;
    if (!this.#mayMove(source, target)) return;
    let drain = mustDrain;
    for (let turn = 0; turn < turnsMax; turn++) {
      const isSpliced = pipeRead[target]! > 0;
      const moved = isSpliced ? this.#splice(source, target) : this.#copy(source, target);
      if (moved < 0) return;
      if (isSpliced) {
        if (moved >= quietBytes) continue;
        this.#pipes.release(target);
        drain = true;
      } else if (moved === bufferBytes) this.#pipes.acquire(target);
      else if (!drain) {
        this.#sockmap?.onTransfer(source, target, moved);
        return;
      }
    }
    // The others first; asking for the same events again reports this flow again.
    this.#watch(source);
  }

  /** False while `target` is not ready for more, and once `source` has ended. */
  #mayMove(source: number, target: number): boolean {
    const { flags, pending, pipeBytes } = this.#table;
    if (((flags[source]! | flags[target]!) & flag.connecting) !== 0) return false;
    if (pending[target] !== undefined || pipeBytes[target]! > 0) return false;
    return (flags[source]! & flag.readEnd) === 0;
  }

  /** One recv and send. @returns Bytes moved, or -1 when the flow has to wait or is over. */
  #copy(source: number, target: number): number {
    const address = this.#bufferAddress;
    const received = libc.recv(source, address, bufferBytes, MSG_DONTWAIT);
    if (received > 0) {
      this.count(source, received);
      if ((this.#table.flags[target]! & flag.noDelay) === 0) this.#hasten(target);
      const sent = libc.send(target, address, received, sendFlags);
      if (sent === received) return received;
      if (sent === -1 && errno() !== EAGAIN) {
        this.fail(target);
        return -1;
      }
      const table = this.#table;
      const rest = this.#buffer.slice(sent === -1 ? 0 : sent, received);
      table.pending[target] = rest;
      this.#garbage.add(rest.length);
      table.pendingOffset[target] = 0;
      this.#watchOut(target);
      return -1;
    }
    if (received === 0) this.end(source, target);
    else if (errno() !== EAGAIN) this.fail(source);
    return -1;
  }

  /** One splice into the pipe of `target` and out of it. @returns As {@link #copy}. */
  #splice(source: number, target: number): number {
    const table = this.#table;
    if ((table.flags[target]! & flag.noDelay) === 0) this.#hasten(target);
    const into = table.pipeWrite[target]!;
    const received = libc.splice(source, null, into, null, spliceBytes, spliceFlags);
    if (received > 0) {
      this.count(source, received);
      table.pipeBytes[target] = received;
      return this.flush(target) ? received : -1;
    }
    const reason = received === -1 ? errno() : 0;
    this.#pipes.release(target);
    if (received === 0) this.end(source, target);
    else if (reason !== EAGAIN) this.fail(source);
    return -1;
  }

  /** Sends what waits for `target`. @returns True if nothing waits any more. */
  flush(target: number): boolean {
    const table = this.#table;
    while (table.pipeBytes[target]! > 0) {
      const from = table.pipeRead[target]!;
      const sent = libc.splice(from, null, target, null, table.pipeBytes[target]!, spliceFlags);
      if (sent <= 0) return this.#blocked(sent, target);
      table.pipeBytes[target]! -= sent;
    }
    const waiting = table.pending[target];
    if (waiting === undefined) return true;
    while (table.pendingOffset[target]! < waiting.length) {
      const rest = waiting.subarray(table.pendingOffset[target]);
      const sent = libc.send(target, addressOf(rest), rest.length, sendFlags);
      if (sent <= 0) return this.#blocked(sent, target);
      table.pendingOffset[target]! += sent;
    }
    table.pending[target] = undefined;
    return true;
  }

  /** Queues bytes that go to `target` before anything else: a PROXY header. */
  prepend(target: number, bytes: Uint8Array): boolean {
    this.#table.pending[target] = bytes;
    this.#table.pendingOffset[target] = 0;
    this.#table.flags[target]! |= flag.sentBefore;
    return this.flush(target);
  }

  /** The peer of the connection broke it: the other side learns it by a reset. */
  fail(fd: number): void {
    const isClient = (this.#table.flags[fd]! & flag.client) !== 0;
    this.#closer.closePair(fd, isClient ? "client-reset" : "server-reset", true);
  }

  #blocked(result: number, target: number): boolean {
    if (result === -1 && errno() !== EAGAIN) this.fail(target);
    else this.#watchOut(target);
    return false;
  }

  /** `source` sent its last byte, and `target` has been given all of them. */
  end(source: number, target: number): void {
    const { flags, servers } = this.#table;
    flags[source]! |= flag.readEnd;
    if ((flags[target]! & flag.readEnd) !== 0) {
      const clientFirst = (flags[target]! & flag.client) !== 0;
      this.#closer.closePair(source, clientFirst ? "client-closed" : "server-closed", false);
      return;
    }
    this.#ending.push(target, this.#table.generation[target]!);
    const row = servers[source]?.row;
    if (row === undefined) return;
    this.#counters[row + serverWord.active]! -= 1;
    this.#counters[row + serverWord.inactive]! += 1;
  }

  /**
   * Tells the other sides of streams that ended in this batch. Not at once: often the other side
   * ends in the same batch, and the close then says all.
   */
  finishBatch(): void {
    if (this.#ending.count > 0) this.#ending.filter(this.#shutdownOne);
  }

  /**
   * Sets TCP_NODELAY before the second transfer to a server. The first goes out at once anyway,
   * and short connections have no second. Clients' sockets have it from their listener.
   */
  #hasten(target: number): void {
    const { flags } = this.#table;
    if ((flags[target]! & flag.sentBefore) === 0) {
      flags[target]! |= flag.sentBefore;
      return;
    }
    flags[target]! |= flag.noDelay;
    libc.setsockopt(target, IPPROTO_TCP, TCP_NODELAY, oneAddress, 4);
  }

  /** Counts bytes that arrived at `source`. */
  count(source: number, bytes: number): void {
    const { flags, servers } = this.#table;
    this.#table.bytes[source]! += bytes;
    const isClient = (flags[source]! & flag.client) !== 0;
    const word = isClient ? serverWord.bytesIn : serverWord.bytesOut;
    this.#counters[servers[source]!.row + word]! += bytes;
  }

  #watchOut(fd: number): void {
    const { flags } = this.#table;
    if ((flags[fd]! & flag.watchesOut) !== 0) return;
    flags[fd]! |= flag.watchesOut;
    this.#watch(fd);
  }

  #watch(fd: number): void {
    const table = this.#table;
    const out = (table.flags[fd]! & flag.watchesOut) === 0 ? 0 : EPOLLOUT;
    this.#poller.modify(fd, readEvents | out, table.generation[fd]!);
  }
}
