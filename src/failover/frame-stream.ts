/**
 * Puts the messages of a byte stream together, however the pipe has cut them. Pure.
 *
 * @module
 */

/**
 * Length of the message at an offset; undefined while not all of it, or of what says its length, is
 * there.
 */
export type FrameLength = (bytes: Uint8Array, at: number) => number | undefined;

/** Holds at most one incomplete message. */
export class FrameStream {
  readonly #lengthAt: FrameLength;
  #waiting = new Uint8Array(0);

  constructor(lengthAt: FrameLength) {
    this.#lengthAt = lengthAt;
  }

  /** Messages that are complete with these bytes; views of them, or of a copy. */
  read(bytes: Uint8Array): Uint8Array[] {
    let all = bytes;
    if (this.#waiting.length > 0) {
      all = new Uint8Array(this.#waiting.length + bytes.length);
      all.set(this.#waiting);
      all.set(bytes, this.#waiting.length);
    }
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < all.length) {
      const length = this.#lengthAt(all, at);
      if (length === undefined || at + length > all.length) break;
      frames.push(all.subarray(at, at + length));
      at += length;
    }
    this.#waiting = all.slice(at);
    return frames;
  }
}

/** Bytes of a head: type, and the length of what follows, little-endian. */
export const headBytes = 5;
/** More than 256 virtual routers of 200 addresses take. */
const textBytesMax = 16 * 1024 * 1024;

/** A message of a type with a value as JSON. */
export function encodeFrame(type: number, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(headBytes + text.length);
  bytes[0] = type;
  new DataView(bytes.buffer).setUint32(1, text.length, true);
  bytes.set(text, headBytes);
  return bytes;
}

/** Length of a message that {@link encodeFrame} made; one that is too long ends the stream. */
export function frameLength(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < headBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1, true);
  return length > textBytesMax ? bytes.length - at : headBytes + length;
}

/** The value of a message that {@link encodeFrame} made; undefined if it is broken. */
export function decodeFrame(frame: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(frame.subarray(headBytes)));
  } catch {
    return undefined;
  }
}
