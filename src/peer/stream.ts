/**
 * Messages of any length over a stream between two directors: overrides, and what else need not be
 * there within milliseconds.
 *
 * ```text
 * caller    magic "ADPS" | version 1 | 0 0 0 | key tag u32 | nonce 16                   28 bytes
 * listener  magic "ADPS" | version 1 | 0 0 0 | nonce 16                                 24 bytes
 * both      length u32 | payload | HMAC-SHA256 over number u64, length, payload         4 + n + 32
 * ```
 * Keys of one connection come out of the shared key and both nonces, one for each direction; frames
 * are numbered from 0. So nothing of another connection, and nothing twice, is accepted. Numbers in
 * network order. Pure.
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";

import type { PeerKey } from "./mac.ts";
import { macBytes } from "./message.ts";

const magicText = "ADPS";
const streamVersion = 1;
const nonceBytes = 16;
const helloHead = Uint8Array.from([...new TextEncoder().encode(magicText), streamVersion, 0, 0, 0]);
/** Length of the caller's first bytes. */
export const callerHelloBytes = helloHead.length + 4 + nonceBytes;
/** Length of the listener's first bytes. */
export const listenerHelloBytes = helloHead.length + nonceBytes;
/** Longest payload: all overrides that a director keeps. */
export const payloadBytesMax = 4 * 1024 * 1024;
const lengthBytes = 4;
const tagText = "appliance peer stream key";
const sessionText = "appliance peer stream";

function hmac(key: Uint8Array, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHmac("sha256", key);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function tagOf({ secret }: PeerKey): Uint8Array {
  return hmac(secret, tagText).subarray(0, 4);
}

function hasHead(bytes: Uint8Array): boolean {
  return helloHead.every((byte, index) => bytes[index] === byte);
}

/** The first bytes of a caller. `nonce` is 16 random bytes. */
export function encodeCallerHello(key: PeerKey, nonce: Uint8Array): Uint8Array {
  return Uint8Array.from([...helloHead, ...tagOf(key), ...nonce]);
}

/** The first bytes of a listener. */
export function encodeListenerHello(nonce: Uint8Array): Uint8Array {
  return Uint8Array.from([...helloHead, ...nonce]);
}

/** What a caller's first bytes say; undefined if they are none, or its key is not one of `keys`. */
export function decodeCallerHello(
  bytes: Uint8Array,
  keys: readonly PeerKey[],
): { readonly key: PeerKey; readonly nonce: Uint8Array } | undefined {
  if (bytes.length !== callerHelloBytes || !hasHead(bytes)) return undefined;
  const tag = bytes.subarray(helloHead.length, helloHead.length + 4);
  const key = keys.find((one) => timingSafeEqual(tagOf(one), tag));
  return key && { key, nonce: bytes.slice(helloHead.length + 4) };
}

/** The nonce of a listener's first bytes; undefined if they are none. */
export function decodeListenerHello(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== listenerHelloBytes || !hasHead(bytes)) return undefined;
  return bytes.slice(helloHead.length);
}

/** Who of the two an end is. */
export type StreamRole = "caller" | "listener";

/** What both ends know after their first bytes. */
export interface StreamSecrets {
  readonly key: PeerKey;
  readonly callerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
}

/** Frames of one connection, both ways. */
export class PeerStream {
  readonly #sendKey: Uint8Array;
  readonly #receiveKey: Uint8Array;
  #sent = 0n;
  #received = 0n;
  #buffer: Uint8Array = new Uint8Array(0);
  #isBroken = false;

  constructor(role: StreamRole, { key, callerNonce, listenerNonce }: StreamSecrets) {
    const session = hmac(key.secret, sessionText, callerNonce, listenerNonce);
    const byCaller = hmac(session, "caller");
    const byListener = hmac(session, "listener");
    this.#sendKey = role === "caller" ? byCaller : byListener;
    this.#receiveKey = role === "caller" ? byListener : byCaller;
  }

  /** A payload as it goes out; at most {@link payloadBytesMax}. */
  seal(payload: Uint8Array): Uint8Array {
    const frame = new Uint8Array(lengthBytes + payload.length + macBytes);
    new DataView(frame.buffer).setUint32(0, payload.length);
    frame.set(payload, lengthBytes);
    const end = lengthBytes + payload.length;
    frame.set(hmac(this.#sendKey, numberBytes(this.#sent++), frame.subarray(0, end)), end);
    return frame;
  }

  /**
   * Takes what came in. @returns Payloads that are complete and right; undefined once something was
   * wrong: the connection is then to be closed.
   */
  push(chunk: Uint8Array): Uint8Array[] | undefined {
    if (this.#isBroken) return undefined;
    this.#buffer = concat(this.#buffer, chunk);
    const payloads: Uint8Array[] = [];
    for (;;) {
      const payload = this.#take();
      if (payload === undefined) break;
      payloads.push(payload);
    }
    return this.#isBroken ? undefined : payloads;
  }

  #take(): Uint8Array | undefined {
    const buffer = this.#buffer;
    if (buffer.length < lengthBytes) return undefined;
    const length = new DataView(buffer.buffer, buffer.byteOffset).getUint32(0);
    this.#isBroken = length > payloadBytesMax;
    const end = lengthBytes + length;
    if (this.#isBroken || buffer.length < end + macBytes) return undefined;
    const expected = hmac(this.#receiveKey, numberBytes(this.#received), buffer.subarray(0, end));
    if (!timingSafeEqual(expected, buffer.subarray(end, end + macBytes))) {
      this.#isBroken = true;
      return undefined;
    }
    this.#received++;
    this.#buffer = buffer.subarray(end + macBytes);
    return buffer.slice(lengthBytes, end);
  }
}

function numberBytes(number: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, number);
  return new Uint8Array(view.buffer);
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other.slice();
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
