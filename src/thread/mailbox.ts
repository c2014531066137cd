/**
 * Commands from the main thread to a worker that blocks in epoll and never returns to its event
 * loop: a ring of JSON texts in shared memory.
 *
 * ```text
 * int32 word 0: bytes ever written   (main writes)     wrap at 2^31 is handled by masking
 * int32 word 1: bytes ever read      (worker writes)
 * then ringBytes bytes: u32 length | UTF-8 text | …    both may wrap around the end
 * ```
 * One writer, one reader. What does not fit waits in the writer, bounded by what one reload can
 * ask for; the reader tells how far it came by its acknowledgements, which flush the rest.
 *
 * @module
 */

import { invariant } from "../errors/index.ts";

const headBytes = 8;
/** Holds the definition of a service with 20,000 real servers. A power of two. */
const ringBytes = 1 << 22;
const ringMask = ringBytes - 1;
const lengthBytes = 4;

/** Longest command, in bytes of its text. */
export const commandBytesMax = ringBytes - lengthBytes;

/** Makes an empty mailbox. */
export function createMailbox(): SharedArrayBuffer {
  return new SharedArrayBuffer(headBytes + ringBytes);
}

/** The main thread's end. */
export class MailboxWriter {
  readonly #positions: Int32Array;
  readonly #ring: Uint8Array;
  readonly #waiting: Uint8Array[] = [];

  constructor(mailbox: SharedArrayBuffer) {
    this.#positions = new Int32Array(mailbox, 0, 2);
    this.#ring = new Uint8Array(mailbox, headBytes);
  }

  /** Queues `command`. The caller wakes the reader. */
  write(command: unknown): void {
    const text = new TextEncoder().encode(JSON.stringify(command));
    invariant(text.length <= commandBytesMax, "a command fits the mailbox");
    this.#waiting.push(text);
    this.flush();
  }

  /** Moves what waits into the ring. @returns True if nothing waits any more. */
  flush(): boolean {
    for (;;) {
      const text = this.#waiting[0];
      if (text === undefined) return true;
      const written = this.#positions[0]!;
      const used = (written - Atomics.load(this.#positions, 1)) | 0;
      if (ringBytes - used < text.length + lengthBytes) return false;
      const length = text.length;
      this.#put(written, [
        length & 0xff,
        (length >> 8) & 0xff,
        (length >> 16) & 0xff,
        length >>> 24,
      ]);
      this.#put(written + lengthBytes, text);
      Atomics.store(this.#positions, 0, (written + lengthBytes + length) | 0);
      this.#waiting.shift();
    }
  }

  #put(position: number, bytes: ArrayLike<number>): void {
    const start = position & ringMask;
    const first = Math.min(bytes.length, ringBytes - start);
    const source = Uint8Array.from(bytes);
    this.#ring.set(source.subarray(0, first), start);
    this.#ring.set(source.subarray(first), 0);
  }
}

/** The worker's end. */
export class MailboxReader<Command> {
  readonly #positions: Int32Array;
  readonly #ring: Uint8Array;

  constructor(mailbox: SharedArrayBuffer) {
    this.#positions = new Int32Array(mailbox, 0, 2);
    this.#ring = new Uint8Array(mailbox, headBytes);
  }

  /** The next command as its writer gave it, or undefined when there is none. */
  read(): Command | undefined {
    const read = this.#positions[1]!;
    if (Atomics.load(this.#positions, 0) === read) return undefined;
    const head = this.#take(read, lengthBytes);
    const length = head[0]! | (head[1]! << 8) | (head[2]! << 16) | (head[3]! << 24);
    const text = this.#take(read + lengthBytes, length);
    Atomics.store(this.#positions, 1, (read + lengthBytes + length) | 0);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
    return JSON.parse(new TextDecoder().decode(text)) as Command;
  }

  #take(position: number, length: number): Uint8Array {
    const start = position & ringMask;
    const first = Math.min(length, ringBytes - start);
    const bytes = new Uint8Array(length);
    bytes.set(this.#ring.subarray(start, start + first));
    bytes.set(this.#ring.subarray(0, length - first), first);
    return bytes;
  }
}
