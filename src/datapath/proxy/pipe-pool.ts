/**
 * Pipes for splice(2), kept for reuse: making and growing one costs three system calls.
 *
 * @module
 */

import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from "../../../ffi/constants/socket.ts";
import { addressOf, libc } from "../../../ffi/libc.ts";
import type { FlowTable } from "./flow-table.ts";

/** Holds what one turn of a bulk flow moves. Unprivileged users may get less: then it is 64 KiB. */
const pipeBytesWanted = 1 << 20;
/** Idle pipes kept; each is two descriptors and, empty, no pages. */
const idleMax = 64;

/** Gives pipes to descriptors of one worker's table and takes them back. */
export class PipePool {
  readonly #table: FlowTable;
  readonly #mayOpen: () => boolean;
  readonly #pair = new Int32Array(2);
  readonly #pairAddress = addressOf(this.#pair);
  readonly #idleRead: number[] = [];
  readonly #idleWrite: number[] = [];
  /** Pipes open now, idle or not. */
  open = 0;

  /** @param mayOpen False when descriptors are short: bulk is copied then. */
  constructor(table: FlowTable, mayOpen: () => boolean) {
    this.#table = table;
    this.#mayOpen = mayOpen;
  }

  /** Gives `fd` a pipe unless it has one. @returns False when none can be had. */
  acquire(fd: number): boolean {
    const table = this.#table;
    if (table.pipeRead[fd]! > 0) return true;
    const read = this.#idleRead.pop();
    if (read !== undefined) {
      table.pipeRead[fd] = read;
      table.pipeWrite[fd] = this.#idleWrite.pop()!;
      return true;
    }
    if (!this.#mayOpen()) return false;
    if (libc.pipe2(this.#pairAddress, O_NONBLOCK | O_CLOEXEC) === -1) return false;
    this.open += 1;
    table.pipeRead[fd] = this.#pair[0]!;
    table.pipeWrite[fd] = this.#pair[1]!;
    libc.fcntl(this.#pair[1]!, F_SETPIPE_SZ, pipeBytesWanted);
    return true;
  }

  /** Takes the pipe of `fd` back. One that still holds data is closed with it. */
  release(fd: number): void {
    const table = this.#table;
    const read = table.pipeRead[fd]!;
    if (read === 0) return;
    const write = table.pipeWrite[fd]!;
    if (table.pipeBytes[fd] === 0 && this.#idleRead.length < idleMax) {
      this.#idleRead.push(read);
      this.#idleWrite.push(write);
    } else {
      libc.close(read);
      libc.close(write);
      this.open -= 1;
    }
    table.pipeRead[fd] = 0;
    table.pipeWrite[fd] = 0;
    table.pipeBytes[fd] = 0;
  }

  /** Closes the idle pipes. */
  close(): void {
    for (const fd of [...this.#idleRead, ...this.#idleWrite]) libc.close(fd);
    this.open -= this.#idleRead.length;
    this.#idleRead.length = 0;
    this.#idleWrite.length = 0;
  }
}
