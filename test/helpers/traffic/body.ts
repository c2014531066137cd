/**
 * Bodies whose every byte matters: reproducible noise, and checksums of it.
 *
 * @module
 */

/** A source of reproducible numbers (xorshift32); the same seed gives the same sequence. */
export function createRandom(seed: number): () => number {
  let state = (seed | 0) === 0 ? 0x9e3779b9 : seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Noise of any length; no two places are alike, so that lost or doubled bytes show. */
export function makeBody(bytes: number, seed = 1): Uint8Array {
  const random = createRandom(seed);
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = random();
  return new Uint8Array(words.buffer, 0, bytes);
}

/** Checksum of a body sent `times` times, as TcpPeer.checksum gives it for what arrived. */
export function checksumOf(body: Uint8Array, times = 1): string {
  const hash = new Bun.CryptoHasher("sha1");
  for (let turn = 0; turn < times; turn++) hash.update(body);
  return hash.digest("hex");
}
