/**
 * epoll(7) and eventfd(2) for hot loops: one buffer of events, read in place.
 *
 * `struct epoll_event` is packed on x86-64 (12 bytes) and padded on arm64 (16 bytes); its `data`
 * holds the descriptor and a generation, so that an event of a descriptor that was closed and
 * reused within one batch can be told from one of its successor.
 *
 * @module
 */

import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
} from "./constants/epoll.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult, closeDescriptor } from "./socket.ts";

const isPacked = process.arch === "x64";
const wordsPerEvent = isPacked ? 3 : 4;
const fdWord = isPacked ? 1 : 2;
const generationWord = fdWord + 1;

/** Owns an epoll descriptor. Belongs to one thread. */
export class Poller {
  /** Events of the last {@link wait}; read them through the accessors. */
  readonly #events: Int32Array;
  readonly #eventsAddress: ReturnType<typeof addressOf>;
  readonly #control = new Int32Array(4);
  readonly #controlAddress = addressOf(this.#control);
  readonly #eventsMax: number;
  readonly #fd: number;

  /** @param eventsMax Events taken by one {@link wait}. */
  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax;
    this.#events = new Int32Array(eventsMax * wordsPerEvent);
    this.#eventsAddress = addressOf(this.#events);
    this.#fd = checkResult(libc.epoll_create1(EPOLL_CLOEXEC), "epoll_create1", "");
  }

  #set(operation: number, fd: number, mask: number, generation: number): number {
    this.#control[0] = mask;
    this.#control[fdWord] = fd;
    this.#control[generationWord] = generation;
    return libc.epoll_ctl(this.#fd, operation, fd, this.#controlAddress);
  }

  /** Watches `fd`. @returns 0, or -1 with errno set (ENOSPC, ENOMEM). */
  add(fd: number, mask: number, generation: number): number {
    return this.#set(EPOLL_CTL_ADD, fd, mask, generation);
  }

  /** Changes the mask; with EPOLLET this also reports again what is ready now. */
  modify(fd: number, mask: number, generation: number): number {
    return this.#set(EPOLL_CTL_MOD, fd, mask, generation);
  }

  /** Forgets `fd`. Not needed before close(2) of the only descriptor of a file. */
  remove(fd: number): number {
    return this.#set(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /**
   * Blocks the thread until something is ready.
   *
   * @param timeoutMs -1: for ever.
   * @returns Number of events; 0 at the timeout or at a signal.
   */
  wait(timeoutMs: number): number {
    const count = libc.epoll_wait(this.#fd, this.#eventsAddress, this.#eventsMax, timeoutMs);
    return count === -1 ? 0 : count;
  }

  mask(index: number): number {
    return this.#events[index * wordsPerEvent]!;
  }

  descriptor(index: number): number {
    return this.#events[index * wordsPerEvent + fdWord]!;
  }

  generation(index: number): number {
    return this.#events[index * wordsPerEvent + generationWord]!;
  }

  close(): void {
    closeDescriptor(this.#fd);
  }
}

/** Opens an eventfd: any thread writes to it, the thread that polls it wakes. */
export function openEventfd(): number {
  return checkResult(libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd", "");
}

const one = new BigUint64Array([1n]);
const scratch = new BigUint64Array(1);

/** Wakes whoever polls `fd`. Never blocks: a full counter already is a wake-up. */
export function signalEventfd(fd: number): void {
  libc.write(fd, addressOf(one), 8);
}

/** Takes the signals off, so that level-triggered polling rests. */
export function drainEventfd(fd: number): void {
  libc.read(fd, addressOf(scratch), 8);
}
