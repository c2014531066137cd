/**
 * The filter of a virtual router's receiving socket: strangers are dropped before the thread wakes.
 *
 * What passes has TTL 255, goes where this router listens, has its VRID and, with listed peers, comes
 * from one of them. Everything is looked at again afterwards (src/vrrp/accept.ts): this only keeps a
 * flood away from the thread that must not be late. Classic BPF,
 * Documentation/networking/filter.rst. Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";

/** What a router listens for. */
export interface AdvertFilter {
  readonly vrid: number;
  /** Its group, or its own address. */
  readonly destination: AddressBytes;
  /** Undefined: everybody. All of the family of `destination`. */
  readonly peers: readonly AddressBytes[] | undefined;
}

/** Loads relative to the network header (SKF_NET_OFF), also where the packet starts behind it. */
const networkHeader = 0xfff0_0000;
const loadWord = 0x20;
const loadByte = 0x30;
/** X = 4 × (low half of a byte): the length of an IPv4 header. */
const loadHeaderLength = 0xb1;
const loadByteAtX = 0x50;
const jumpEqual = 0x15;
const jump = 0x05;
const give = 0x06;
const wholePacket = 0xffff_ffff;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** Instructions before the label that all failed comparisons jump to. */
class Program {
  readonly #instructions: Instruction[] = [];
  /** Places of comparisons whose "false" goes to the end. */
  readonly #failures: number[] = [];

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

function wordsOf(address: AddressBytes): number[] {
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  return Array.from({ length: address.length / 4 }, (_, index) => view.getUint32(index * 4));
}

/** Instructions for openRawReceiver(). */
export function assembleAdvertFilter({ vrid, destination, peers }: AdvertFilter): Uint8Array {
  const isIpv4 = destination.length === 4;
  const at = isIpv4
    ? { ttl: 8, source: 12, destination: 16 }
    : { ttl: 7, source: 8, destination: 24 };
  const program = new Program();
  program.add(loadByte, networkHeader + at.ttl);
  program.require(255);
  for (const [index, word] of wordsOf(destination).entries()) {
    program.add(loadWord, networkHeader + at.destination + index * 4);
    program.require(word);
  }
  // The second byte of the message. An IPv4 packet starts at its header, IPv6 behind it.
  if (isIpv4) {
    program.add(loadHeaderLength, 0);
    program.add(loadByteAtX, 1);
  } else {
    program.add(loadByte, 1);
  }
  program.require(vrid);
  if (peers === undefined) program.add(give, wholePacket);
  else for (const peer of peers) program.acceptIf(wordsOf(peer), at.source);
  return program.encode();
}
