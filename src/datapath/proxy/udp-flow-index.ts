/**
 * Finds the flow of a datagram: (listener, client, local address, server) → descriptor.
 *
 * Open addressing with linear probing over flat arrays; the key of a flow stands at its
 * descriptor. No allocation a datagram.
 *
 * ```text
 * key words: 0 listener descriptor | 1..7 client sockaddr | 8..11 local address (wildcards only)
 *            12 server slot + 1 (one-packet scheduling only)
 * ```
 *
 * @module
 */

import { addressOf, offsetBy } from "../../../ffi/libc.ts";
import type { Pointer } from "../../../ffi/libc.ts";

/** Words of a key. */
export const udpKeyWords = 13;
/** First word of the client's sockaddr. */
export const udpKeyClientWord = 1;
/** First word of the local address; all zero but behind a wildcard. */
export const udpKeyLocalWord = 8;
/** Word of the server's slot plus one; zero but for one-packet scheduling. */
export const udpKeyServerWord = 12;

const wordBytes = 4;
/** Upper bound of the index: more flows than this are refused. */
const entriesMax = 1 << 18;
const deleted = -1;

/** Index of one worker's flows. */
export class UdpFlowIndex {
  /** Keys by descriptor. */
  readonly keys: Uint32Array;
  readonly #keysAddress: Pointer;
  /** Descriptor of the flow; 0: never used, -1: removed. */
  readonly #table: Int32Array;
  readonly #mask: number;
  #used = 0;
  count = 0;

  constructor(descriptorsMax: number) {
    let entries = 1024;
    while (entries < descriptorsMax * 2 && entries < entriesMax) entries *= 2;
    this.keys = new Uint32Array(descriptorsMax * udpKeyWords);
    this.#keysAddress = addressOf(this.keys);
    this.#table = new Int32Array(entries);
    this.#mask = entries - 1;
  }

  /** True when another flow would slow every look-up down. */
  get isFull(): boolean {
    return this.count * 2 > this.#table.length;
  }

  /** Address of the client's sockaddr within the key of `fd`, for sendto(2). */
  clientAddress(fd: number): Pointer {
    return offsetBy(this.#keysAddress, (fd * udpKeyWords + udpKeyClientWord) * wordBytes);
  }

  /** Descriptor of the flow with this key; 0: none. */
  find(key: Uint32Array): number {
    for (let at = this.#hash(key); ; at = (at + 1) & this.#mask) {
      const fd = this.#table[at]!;
      if (fd === 0) return 0;
      if (fd !== deleted && this.#equals(fd, key)) return fd;
    }
  }

  /** Enters a flow; its key must not be in yet. */
  add(fd: number, key: Uint32Array): void {
    this.keys.set(key, fd * udpKeyWords);
    if (this.#used * 4 > this.#table.length * 3) this.#rebuild();
    this.#insert(fd, key);
    this.count += 1;
  }

  /** Takes a flow out. */
  remove(fd: number): void {
    const start = fd * udpKeyWords;
    const key = this.keys.subarray(start, start + udpKeyWords);
    for (let at = this.#hash(key); ; at = (at + 1) & this.#mask) {
      if (this.#table[at] === 0) return;
      if (this.#table[at] !== fd) continue;
      this.#table[at] = deleted;
      this.count -= 1;
      return;
    }
  }

  #insert(fd: number, key: Uint32Array): void {
    let at = this.#hash(key);
    while (this.#table[at]! > 0) at = (at + 1) & this.#mask;
    if (this.#table[at] === 0) this.#used += 1;
    this.#table[at] = fd;
  }

  /** Clears the marks of removed flows, which otherwise lengthen every search. */
  #rebuild(): void {
    const flows = this.#table.filter((fd) => fd > 0);
    this.#table.fill(0);
    this.#used = 0;
    for (const fd of flows) {
      const start = fd * udpKeyWords;
      this.#insert(fd, this.keys.subarray(start, start + udpKeyWords));
    }
  }

  /** FNV-1a over words, mixed once more: neighbouring ports must not become neighbours. */
  #hash(key: Uint32Array): number {
    let hash = 0x811c9dc5;
    for (let index = 0; index < udpKeyWords; index++) {
      hash = Math.imul(hash ^ key[index]!, 0x01000193);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & this.#mask;
  }

  #equals(fd: number, key: Uint32Array): boolean {
    const start = fd * udpKeyWords;
    for (let index = 0; index < udpKeyWords; index++) {
      if (this.keys[start + index] !== key[index]) return false;
    }
    return true;
  }
}
