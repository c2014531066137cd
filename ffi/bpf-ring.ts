/**
 * A ring buffer that bpf programs write (BPF_MAP_TYPE_RINGBUF, Linux 5.8; kernel/bpf/ringbuf.c):
 * read through memory that is shared with the kernel, without a system call.
 *
 * ```text
 * page 0   position of the reader, u64          written here
 * page 1   position of the writers, u64         read only
 * pages 2… the records, mapped twice in a row, so that none is cut at the end
 * record   length u32 (bit 31 not finished, bit 30 given up) | page u32 | data, padded to 8
 * ```
 *
 * @module
 */

import { libc } from "./libc.ts";
import { mapShared } from "./memory.ts";
import type { SharedMapping } from "./memory.ts";

const headerBytes = 8;
const isBusy = 0x8000_0000;
const isDiscarded = 0x4000_0000;
const lengthMask = 0x3fff_ffff;

/** Looks at one record: where in {@link BpfRing.data} it stands, and how long it is. */
export type VisitRecord = (offset: number, length: number) => void;

/** The reader's end; there must be one only. */
export interface BpfRing {
  /** Holds records while they are visited. */
  readonly data: Uint8Array;
  /**
   * Visits records in their order and gives their room back.
   *
   * @returns How many, at most `recordsMax`.
   */
  drain(recordsMax: number, visit: VisitRecord): number;
  /** Gives the memory back; {@link data} must not be touched any more. */
  close(): void;
}

/** Bytes that a record takes with its header. */
function spaceOf(length: number): number {
  return (headerBytes + length + 7) & ~7;
}

class MappedRing implements BpfRing {
  readonly data: Uint8Array;
  readonly #reader: SharedMapping;
  readonly #writer: SharedMapping;
  readonly #size: number;
  readonly #readerAt: BigUint64Array;
  readonly #writerAt: BigUint64Array;
  readonly #headers: Int32Array;
  readonly #order = new Int32Array(1);

  constructor(map: number, size: number) {
    const pageBytes = libc.getpagesize();
    this.#size = size;
    this.#reader = mapShared(map, pageBytes);
    const part = { offset: pageBytes, isReadOnly: true };
    this.#writer = mapShared(map, pageBytes + 2 * size, part);
    this.#readerAt = new BigUint64Array(this.#reader.bytes, 0, 1);
    this.#writerAt = new BigUint64Array(this.#writer.bytes, 0, 1);
    this.#headers = new Int32Array(this.#writer.bytes, pageBytes);
    this.data = new Uint8Array(this.#writer.bytes, pageBytes);
  }

  drain(recordsMax: number, visit: VisitRecord): number {
    const first = Number(this.#readerAt[0]!);
    const count = this.#countFinished(first, recordsMax);
    if (count === 0) return 0;
    this.#awaitLoads();
    let at = first;
    for (let record = 0; record < count; record++) {
      const offset = at % this.#size;
      const header = this.#headers[offset / 4]! >>> 0;
      const length = header & lengthMask;
      if ((header & isDiscarded) === 0) visit(offset + headerBytes, length);
      at += spaceOf(length);
    }
    Atomics.store(this.#readerAt, 0, BigInt(at));
    return count;
  }

  /** Records from a position on that their writers have finished. */
  #countFinished(first: number, recordsMax: number): number {
    const end = Number(this.#writerAt[0]!);
    this.#awaitLoads();
    let count = 0;
    for (let at = first; at < end && count < recordsMax; count++) {
      const header = this.#headers[(at % this.#size) / 4]! >>> 0;
      if ((header & isBusy) !== 0) break;
      at += spaceOf(header & lengthMask);
    }
    return count;
  }

  /**
   * What is loaded from here on is not older than what was loaded before. `Atomics.load` itself is
   * not for memory that is read only: compiled code may add 0 to it, and the process would crash.
   */
  #awaitLoads(): void {
    Atomics.store(this.#order, 0, 0);
    Atomics.load(this.#order, 0);
  }

  close(): void {
    this.#reader.unmap();
    this.#writer.unmap();
  }
}

/**
 * Opens a ring for reading.
 *
 * @param bytes Its size: what the map was made with.
 * @throws {SyscallError} `EINVAL` if the map is no ring of this size, `EPERM`.
 */
export function openBpfRing(map: number, bytes: number): BpfRing {
  return new MappedRing(map, bytes);
}
