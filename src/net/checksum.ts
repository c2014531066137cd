/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of all 16-bit
 * words, read in network byte order. Pure.
 *
 * @module
 */

/**
 * Sums `bytes`.
 *
 * @param bytes Data to sum; an odd last byte counts as if a zero byte followed it.
 * @param seed Unfolded sum to start from, for example of a pseudo-header.
 * @returns Checksum in host order, 0..0xffff. Over data that holds a correct checksum it is 0.
 */
export function internetChecksum(bytes: Uint8Array, seed = 0): number {
  let sum = seed;
  const even = bytes.length & ~1;
  for (let offset = 0; offset < even; offset += 2) {
    sum += (bytes[offset]! << 8) | bytes[offset + 1]!;
  }
  if (even !== bytes.length) sum += bytes[even]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
