/**
 * Classic BPF, put together: programs that accept a packet or drop it
 * (Documentation/networking/filter.rst). Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";

/** Loads relative to the network header (SKF_NET_OFF), also where the packet starts behind it. */
export const networkHeader = 0xfff0_0000;
/** Code: four bytes at an offset become the word at hand. */
export const loadWord = 0x20;
/** Code: the same with one byte. */
export const loadByte = 0x30;
/** X = 4 × (low half of a byte): the length of an IPv4 header. */
export const loadHeaderLength = 0xb1;
/** Code: one byte at an offset behind X. */
export const loadByteAtX = 0x50;
const jumpEqual = 0x15;
const jump = 0x05;
/** Code: accept so many bytes; none is to drop. */
export const give = 0x06;
/** All bytes. */
export const wholePacket = 0xffff_ffff;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** Instructions before the label that all failed comparisons jump to. */
export class FilterProgram {
  readonly #instructions: Instruction[] = [];
  /** Places of comparisons whose "false" goes to the end. */
  readonly #failures: number[] = [];

  /** Appends an instruction that is no jump. */
  add(code: number, value: number): void {
    this.#instructions.push([code, 0, 0, value]);
  }

  /** Drops the packet unless the word at hand is `value`. */
  require(value: number): void {
    // A jump of a comparison reaches 255 instructions only; the one behind it reaches all.
    this.#instructions.push([jumpEqual, 1, 0, value]);
    this.#failures.push(this.#instructions.length);
    this.#instructions.push([jump, 0, 0, 0]);
  }

  /** Accepts the packet if all words of an address are equal, else goes on behind. */
  acceptIf(words: readonly number[], offset: number): void {
    const length = words.length * 2 + 1;
    for (const [index, word] of words.entries()) {
      this.add(loadWord, networkHeader + offset + index * 4);
      const behind = length - (index * 2 + 2);
      this.#instructions.push([jumpEqual, 0, behind, word]);
    }
    this.add(give, wholePacket);
  }

  /** Accepts the packet if the word at hand is one of these, else goes on behind. */
  acceptAny(values: readonly number[]): void {
    for (const value of values) {
      this.#instructions.push([jumpEqual, 0, 1, value]);
      this.add(give, wholePacket);
    }
  }

  /** Instructions of eight bytes, with the end that drops. */
  encode(): Uint8Array {
    const end = this.#instructions.length;
    const all = this.#instructions.map<Instruction>((one, index) =>
      this.#failures.includes(index) ? [jump, 0, 0, end - index - 1] : one,
    );
    all.push([give, 0, 0, 0]);
    const view = new DataView(new ArrayBuffer(all.length * 8));
    for (const [index, [code, ifTrue, ifFalse, value]] of all.entries()) {
      view.setUint16(index * 8, code, true);
      view.setUint8(index * 8 + 2, ifTrue);
      view.setUint8(index * 8 + 3, ifFalse);
      view.setUint32(index * 8 + 4, value, true);
    }
    return new Uint8Array(view.buffer);
  }
}

/** An address as the words that a program compares. */
export function wordsOf(address: AddressBytes): number[] {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  return Array.from({ length: address.length / 4 }, (_, index) => view.getUint32(index * 4));
}
