/**
 * Hands chatty, long-lived connections to the kernel: what one side sends goes to the other
 * without passing user space (BPF_MAP_TYPE_SOCKHASH with a stream verdict, net/core/sock_map.c).
 * Experimental, off by default.
 *
 * A connection is promoted after some small, whole transfers. From then on user space sees only
 * the ends of its streams, and reads byte counts from TCP_INFO. Four things need care, all of
 * them met in measurements:
 * - A socket in the map that has the program is read by it at once, and what has nowhere to go
 *   by then is out of the reach of both. So the sockets first enter a map without a program, in
 *   which each side finds the other, and only then the map that starts the program.
 * - Data that was queued before the sockets entered the map waits until it is kicked.
 * - The end of a stream overtakes its data: the other side may be shut down only when as many
 *   bytes were written to it as arrived.
 * - There is no back-pressure: the kernel queues what a slow receiver does not take. A connection
 *   whose backlog passes {@link backlogBytesMax} is reset (docs/decisions/0011).
 *
 * Needs CAP_BPF and CAP_NET_ADMIN and a kernel with CONFIG_BPF_STREAM_PARSER; tried once.
 *
 * @module
 */

import { attachBpfProgram, BpfMapWriter, createBpfMap, loadBpfProgram } from "../../../ffi/bpf.ts";
import {
  BPF_MAP_TYPE_SOCKHASH,
  BPF_PROG_TYPE_SK_SKB,
  BPF_SK_SKB_STREAM_VERDICT,
} from "../../../ffi/constants/bpf.ts";
import { EPOLLET, EPOLLRDHUP } from "../../../ffi/constants/epoll.ts";
import {
  IPPROTO_TCP,
  SIOCOUTQ,
  SO_COOKIE,
  SO_ERROR,
  SO_RCVLOWAT,
  SOL_SOCKET,
  TCP_INFO,
} from "../../../ffi/constants/socket.ts";
import type { Poller } from "../../../ffi/epoll.ts";
import { EPIPE, SyscallError } from "../../../ffi/errno.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { DescriptorList } from "./descriptor-list.ts";
import { flag } from "./flow-table.ts";
import type { FlowTable } from "./flow-table.ts";
import { assembleVerdict } from "./sockmap-program.ts";

/** Connections in the maps at once, of one worker: two entries each. */
const entriesMax = 65_536;
/** Small transfers each way, without a large one between them, after which a flow is chatty. */
const transfersUntilPromotion = 16;
/** A larger transfer is bulk: splice(2) is as cheap there and keeps the back-pressure. */
const smallBytes = 16_384;
/** What may wait in the kernel between the two sides of one connection. */
const backlogBytesMax = 16 << 20;
/** Pause between two looks at streams that ended before their data. */
export const endTickMs = 2;
/** What is still under way after this was lost: the kernel gives up on a side that fails. */
const endTimeoutMs = 1000;

/** Offsets in `struct tcp_info` (linux/tcp.h), in 64-bit words. */
const tcpInfoBytes = 200;
const bytesAckedWord = 15;
const bytesReceivedWord = 16;

/**
 * TCP_TIME_WAIT, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING (net/tcp_states.h): a FIN has
 * arrived. TCP_CLOSE is what remains of a socket in TIME_WAIT; after a reset, where no FIN was, the
 * count is one byte short.
 */
const statesAfterFin: ReadonlySet<number> = new Set([6, 7, 8, 9, 11]);

/** What the sockmap needs of its worker. */
export interface SockmapParts {
  readonly table: FlowTable;
  readonly poller: Poller;
  /** Adds bytes that arrived at `fd` to the counters. */
  readonly count: (fd: number, bytes: number) => void;
  /** The stream of `fd` ended and all of it was passed on. */
  readonly end: (fd: number, peer: number) => void;
  /** The kernel lost what it had of the stream of `fd`. */
  readonly abandon: (fd: number) => void;
  /** The worker's clock, ms. */
  readonly nowMs: () => number;
}

/** The promoted connections of one worker. */
export class Sockmap {
  readonly #parts: SockmapParts;
  readonly #targets: number;
  readonly #sources: number;
  readonly #program: number;
  readonly #targetWriter: BpfMapWriter;
  readonly #sourceWriter: BpfMapWriter;
  readonly #key = new Uint8Array(new ArrayBuffer(8));
  readonly #keyAddress = addressOf(this.#key);
  readonly #value = new Uint32Array(new ArrayBuffer(8));
  readonly #valueAddress = addressOf(this.#value);
  readonly #length = new Uint32Array(new ArrayBuffer(4));
  readonly #lengthAddress = addressOf(this.#length);
  readonly #info = new BigUint64Array(new ArrayBuffer(256));
  readonly #infoAddress = addressOf(this.#info);
  /** Streams that ended before all of their data was passed on. */
  readonly #ending = new DescriptorList();
  #nextTickMs = 0;

  constructor(parts: SockmapParts) {
    this.#parts = parts;
    const spec = { type: BPF_MAP_TYPE_SOCKHASH, keyBytes: 8, valueBytes: 4, entriesMax };
    const opened: number[] = [];
    try {
      opened.push((this.#targets = createBpfMap(spec)));
      opened.push((this.#sources = createBpfMap(spec)));
      const instructions = assembleVerdict(this.#targets);
      const program = { type: BPF_PROG_TYPE_SK_SKB, instructions, license: "GPL" };
      opened.push((this.#program = loadBpfProgram(program)));
      attachBpfProgram(this.#sources, this.#program, BPF_SK_SKB_STREAM_VERDICT);
    } catch (error) {
      for (const fd of opened) closeDescriptor(fd);
      throw error;
    }
    const value = new Uint8Array(this.#value.buffer);
    this.#targetWriter = new BpfMapWriter(this.#targets, this.#key, value);
    this.#sourceWriter = new BpfMapWriter(this.#sources, this.#key, value);
  }

  /** A whole transfer of `bytes` from `source` to `target` was made; perhaps it is time. */
  onTransfer(source: number, target: number, bytes: number): void {
    const { transfers } = this.#parts.table;
    if (bytes > smallBytes) transfers[source] = 0;
    else if (transfers[source]! < transfersUntilPromotion) transfers[source]! += 1;
    else if (transfers[target] === transfersUntilPromotion) this.#consider(source, target);
  }

  #consider(source: number, target: number): void {
    const { table } = this.#parts;
    const isBusy =
      table.pending[source] !== undefined ||
      table.pipeRead[source]! > 0 ||
      table.pipeRead[target]! > 0 ||
      ((table.flags[source]! | table.flags[target]!) & flag.readEnd) !== 0;
    if (!isBusy) this.#promote(source, target);
  }

  #promote(source: number, target: number): void {
    const { table, poller } = this.#parts;
    // Not again for a long time if it does not work.
    table.transfers[source] = 0;
    if (!this.#enter(source, target)) {
      this.#withdraw(source);
      this.#withdraw(target);
      return;
    }
    for (const fd of [source, target]) {
      table.flags[fd]! |= flag.promoted;
      poller.modify(fd, EPOLLET | EPOLLRDHUP, table.generation[fd]!);
    }
    // Whatever arrived before the sockets were in the map is delivered by this.
    this.#value[0] = 1;
    libc.setsockopt(source, SOL_SOCKET, SO_RCVLOWAT, this.#valueAddress, 4);
    libc.setsockopt(target, SOL_SOCKET, SO_RCVLOWAT, this.#valueAddress, 4);
  }

  #readCookie(fd: number): void {
    this.#length[0] = 8;
    libc.getsockopt(fd, SOL_SOCKET, SO_COOKIE, this.#keyAddress, this.#lengthAddress);
  }

  /** From now on the kernel moves what arrives at either side. @returns False if it refused. */
  #enter(one: number, other: number): boolean {
    return (
      this.#set(this.#targetWriter, one, other) &&
      this.#set(this.#targetWriter, other, one) &&
      this.#set(this.#sourceWriter, one, one) &&
      this.#set(this.#sourceWriter, other, other)
    );
  }

  #set(writer: BpfMapWriter, fd: number, value: number): boolean {
    this.#readCookie(fd);
    this.#value[0] = value;
    return writer.update() === 0;
  }

  /** Sources first: what the program takes must have its target. */
  #withdraw(fd: number): void {
    this.#readCookie(fd);
    this.#sourceWriter.remove();
    this.#targetWriter.remove();
  }

  /** Bytes that arrived at `fd`. TCP counts a FIN as one: it is taken off. */
  #received(fd: number): number {
    this.#length[0] = tcpInfoBytes;
    libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#infoAddress, this.#lengthAddress);
    const state = Number(this.#info[0]! & 0xffn);
    return Number(this.#info[bytesReceivedWord]!) - (statesAfterFin.has(state) ? 1 : 0);
  }

  /** Bytes handed to TCP for the peer of `fd`; the SYN of a socket that connected counts as one. */
  #written(fd: number): number {
    this.#length[0] = tcpInfoBytes;
    libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#infoAddress, this.#lengthAddress);
    libc.ioctl(fd, SIOCOUTQ, this.#valueAddress);
    const synBytes = (this.#parts.table.flags[fd]! & flag.client) === 0 ? 1 : 0;
    return Number(this.#info[bytesAckedWord]!) + this.#value[0]! - synBytes;
  }

  /**
   * True if a promoted socket that reports an error is really broken. The kernel hands the FIN of
   * the other side on as a message without bytes and takes "0 bytes sent" for EPIPE.
   */
  isBroken(fd: number): boolean {
    this.#length[0] = 4;
    libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#valueAddress, this.#lengthAddress);
    return this.#value[0] !== EPIPE && this.#value[0] !== 0;
  }

  /** The stream of a promoted socket ended. */
  onEnd(fd: number): void {
    const { table } = this.#parts;
    if ((table.flags[fd]! & flag.readEnd) !== 0) return;
    if (this.#tryEnd(fd)) return;
    table.startedAtMs[this.#serverSide(fd)] = this.#parts.nowMs();
    this.#ending.push(fd, table.generation[fd]!);
  }

  /** Its start is of no use once it is connected: it keeps when the wait for an end began. */
  #serverSide(fd: number): number {
    const { flags, peer } = this.#parts.table;
    return (flags[fd]! & flag.client) === 0 ? fd : peer[fd]!;
  }

  #tryEnd(fd: number): boolean {
    const { table, end } = this.#parts;
    const peer = table.peer[fd]!;
    const received = this.#received(fd);
    if (this.#written(peer) < received) return false;
    this.#catchUp(fd, received);
    end(fd, peer);
    return true;
  }

  #catchUp(fd: number, received: number): boolean {
    const fresh = received - this.#parts.table.bytes[fd]!;
    if (fresh <= 0) return false;
    this.#parts.count(fd, fresh);
    return true;
  }

  /** True while ends wait for their data: the worker must look again soon. */
  get isWaiting(): boolean {
    return this.#ending.count > 0;
  }

  /** Looks again at streams whose data was still under way. */
  tick(nowMs: number): void {
    if (this.#ending.count === 0 || nowMs < this.#nextTickMs) return;
    this.#nextTickMs = nowMs + endTickMs;
    const { table, abandon } = this.#parts;
    this.#ending.filter((fd, generation) => {
      if (table.generation[fd] !== generation || this.#tryEnd(fd)) return false;
      if (nowMs - table.startedAtMs[this.#serverSide(fd)]! < endTimeoutMs) return true;
      abandon(fd);
      return false;
    });
  }

  /**
   * Brings the counters of a promoted pair up to date.
   *
   * @returns `active` if bytes have moved since, `overrun` if the kernel holds too much.
   */
  refresh(client: number, server: number): "active" | "quiet" | "overrun" {
    const inBytes = this.#received(client);
    const outBytes = this.#received(server);
    const backlog = Math.max(inBytes - this.#written(server), outBytes - this.#written(client));
    if (backlog > backlogBytesMax) return "overrun";
    const hasIn = this.#catchUp(client, inBytes);
    const hasOut = this.#catchUp(server, outBytes);
    return hasIn || hasOut ? "active" : "quiet";
  }

  close(): void {
    closeDescriptor(this.#program);
    closeDescriptor(this.#sources);
    closeDescriptor(this.#targets);
  }
}

/** Opens the sockmap, or says why it cannot be had; the proxy works without. */
export function openSockmap(parts: SockmapParts): Sockmap | string {
  try {
    return new Sockmap(parts);
  } catch (error) {
    if (error instanceof SyscallError) return error.message;
    throw error;
  }
}
