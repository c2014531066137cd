/**
 * HMAC-SHA256 (RFC 2104) with the keys of a key file, without garbage: the two hashes of each
 * message go through buffers that are made once. 0.3 us for a short message; a hasher object for
 * each would be 0.5 us and garbage in the thread that must not stop. Pure.
 *
 * @module
 */

import { invariant } from "../errors/index.ts";
import { macBytes, peerMessageBytesMax } from "./message.ts";

/** One key of a key file. */
export interface PeerKey {
  /** Name for people; empty if the file gives none. */
  readonly id: string;
  /** 32 to 64 bytes. */
  readonly secret: Uint8Array;
}

/** Bytes that SHA-256 takes at a time; longer keys would have to be hashed first. */
const blockBytes = 64;
const innerPad = 0x36;
const outerPad = 0x5c;
/** What is hashed with a key so that a message can say which one it was signed with. */
const tagText = "appliance peer channel key";

/** One key, ready for use. Belongs to one thread. */
export class KeyedHash {
  readonly tag: number;
  /** The padded key, then the message. */
  readonly #inner: Uint8Array;
  /** The padded key, then the hash of the inner part. */
  readonly #outer = new Uint8Array(blockBytes + macBytes);
  readonly #innerHash = this.#outer.subarray(blockBytes);
  /** Parts of `#inner` by their length: a message has one of few lengths. */
  readonly #parts: (Uint8Array | undefined)[] = [];

  /** @param bytesMax Longest message that is signed. */
  constructor(secret: Uint8Array, bytesMax: number) {
    invariant(secret.length <= blockBytes, "the key file bounds a secret");
    this.#inner = new Uint8Array(blockBytes + bytesMax);
    for (let index = 0; index < blockBytes; index++) {
      const byte = secret[index] ?? 0;
      this.#inner[index] = byte ^ innerPad;
      this.#outer[index] = byte ^ outerPad;
    }
    const text = new TextEncoder().encode(tagText);
    const code = new Uint8Array(macBytes);
    this.sign(text, text.length, code);
    this.tag = new DataView(code.buffer).getUint32(0);
  }

  /** Writes the HMAC of the first `length` bytes of `data` to `code`. */
  sign(data: Uint8Array, length: number, code: Uint8Array): void {
    for (let index = 0; index < length; index++) this.#inner[blockBytes + index] = data[index]!;
    this.#parts[length] ??= this.#inner.subarray(0, blockBytes + length);
    Bun.SHA256.hash(this.#parts[length], this.#innerHash);
    Bun.SHA256.hash(this.#outer, code);
  }
}

/** Verdict on the HMAC of a message. */
export type MacResult = "accepted" | "unknown-key" | "bad-mac";

/** The keys of one channel: signs with the first, knows all. Belongs to one thread. */
export class PeerMac {
  readonly #keys: readonly KeyedHash[];
  readonly #code = new Uint8Array(macBytes);

  /** @param keys At least one; the first signs. */
  constructor(keys: readonly PeerKey[]) {
    invariant(keys.length > 0, "a key file without a key is refused");
    this.#keys = keys.map(({ secret }) => new KeyedHash(secret, peerMessageBytesMax));
  }

  /** Tag of the key that signs. */
  get tag(): number {
    return this.#keys[0]!.tag;
  }

  /** Appends the HMAC of the first `length` bytes behind them. @returns The new length. */
  sign(bytes: Uint8Array, length: number): number {
    this.#keys[0]!.sign(bytes, length, this.#code);
    for (let index = 0; index < macBytes; index++) bytes[length + index] = this.#code[index]!;
    return length + macBytes;
  }

  /**
   * Compares the HMAC behind the first `length` bytes; how long that takes does not depend on where
   * it differs.
   */
  verify(bytes: Uint8Array, length: number, tag: number): MacResult {
    const key = this.#keys.find((one) => one.tag === tag);
    if (key === undefined) return "unknown-key";
    key.sign(bytes, length, this.#code);
    let difference = 0;
    for (let index = 0; index < macBytes; index++) {
      difference |= this.#code[index]! ^ bytes[length + index]!;
    }
    return difference === 0 ? "accepted" : "bad-mac";
  }
}
