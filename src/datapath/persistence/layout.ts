/**
 * Layout of the shared block of the persistence table.
 *
 * ```text
 * header   16 words  magic, logarithm of the number of sets, hash seed, counters
 * locks    one word a set, rounded up to a whole number of 8 bytes
 * entries  sets x 8 entries x 10 words (40 bytes):
 *   word 0     tag: 0 is empty, else (service slot + 1) * 2 + (1 if IPv6)
 *   word 1..4  client address, masked, host order; IPv4: word 1, the others 0
 *   word 5     server slot
 *   word 6     connections that hold the entry
 *   word 7     unused
 *   word 8..9  float64: ms of the common clock at which it expires, once nothing holds it
 * ```
 * A word is an int32. Entries are written and read under the lock of their set only. Nothing is
 * resident before it is touched.
 *
 * @module
 */
import { invariant } from "../../errors/index.ts";

const wordBytes = 4;

/** Says that a block is one of these tables, in this layout. */
const magic = 0x41505031;

/** Words of the header. The counters are only changed by Atomics. */
export const headerWord = {
  magic: 0,
  setBits: 1,
  seed: 2,
  occupied: 3,
  evictions: 4,
  contended: 5,
} as const;
const headerWords = 16;

/** Words of an entry, see the head of this file. */
export const entryWord = { tag: 0, address: 1, server: 5, connections: 6, expires: 8 } as const;

/** Words of one entry. */
export const entryWords = 10;

/** Entries of a set. With sets half full on average, fewer than one set in 20 overflows. */
export const setEntries = 8;

/** Most entries a table may have: 160 MiB. */
export const capacityMax = 4 * 1024 * 1024;

/** Highest service slot: its tag still fits 31 bits. */
export const serviceSlotMax = 2 ** 30 - 2;

/** Views of one thread on the shared block. */
export interface PersistenceViews {
  readonly header: Int32Array;
  readonly locks: Int32Array;
  /** The entries as 32-bit words, and the same bytes as float64. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly setCount: number;
  readonly seed: number;
}

/** Locks take a whole number of 8 bytes, so that the entries' float64 words are aligned. */
function lockWords(setCount: number): number {
  return setCount + (setCount % 2);
}

/**
 * Creates the shared block of a table, once for the process.
 *
 * @param capacity Entries, 1..{@link capacityMax}; rounded up to a power of two, at least 8.
 * @param seed Any 32-bit number. Random by default, so that nobody can choose client addresses
 *   that fall into one set and push each other out.
 */
export function createPersistenceBuffer(
  capacity: number,
  seed: number = crypto.getRandomValues(new Int32Array(1))[0]!,
): SharedArrayBuffer {
  invariant(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= capacityMax,
    `persistence capacity ${capacity} out of range`,
  );
  const setBits = Math.max(0, Math.ceil(Math.log2(capacity / setEntries)));
  const setCount = 2 ** setBits;
  const words = headerWords + lockWords(setCount) + setCount * setEntries * entryWords;
  const buffer = new SharedArrayBuffer(words * wordBytes);
  const header = new Int32Array(buffer, 0, headerWords);
  header[headerWord.magic] = magic;
  header[headerWord.setBits] = setBits;
  header[headerWord.seed] = seed;
  return buffer;
}

/** Views of the calling thread on a block made by {@link createPersistenceBuffer}. */
export function viewPersistenceBuffer(buffer: SharedArrayBuffer): PersistenceViews {
  const header = new Int32Array(buffer, 0, headerWords);
  invariant(header[headerWord.magic] === magic, "not the block of a persistence table");
  const setCount = 2 ** header[headerWord.setBits]!;
  const entriesStart = (headerWords + lockWords(setCount)) * wordBytes;
  return {
    header,
    locks: new Int32Array(buffer, headerWords * wordBytes, setCount),
    words: new Int32Array(buffer, entriesStart),
    doubles: new Float64Array(buffer, entriesStart),
    setCount,
    seed: header[headerWord.seed]!,
  };
}
