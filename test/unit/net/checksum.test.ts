/**
 * The Internet checksum against the worked example of RFC 1071, section 3.
 *
 * @module
 */
import { expect, test } from "bun:test";

import { internetChecksum } from "../../../src/net/checksum.ts";

test.each<[string, number[], number, number]>([
  ["the example of RFC 1071", [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0, 0x220d],
  ["nothing", [], 0, 0xffff],
  ["an odd last byte, as if a zero followed", [0x12], 0, 0xedff],
  ["a seed", [0x00, 0x01], 0x0002, 0xfffc],
  ["a carry that carries again", [0xff, 0xff, 0x00, 0x01], 0xffff, 0xfffe],
  ["a seed above 32 bits of sum", [0x00, 0x00], 0xffff_ffff, 0x0000],
])("internetChecksum sums %s", (_name, bytes, seed, checksum) => {
  expect(internetChecksum(Uint8Array.from(bytes), seed)).toBe(checksum);
});

test("internetChecksum is 0 over data that holds its checksum", () => {
  const bytes = Uint8Array.from([8, 0, 0x22, 0x0d, 0x00, 0x01, 0xf2, 0x03]);
  bytes.set([0, 0], 2);
  const checksum = internetChecksum(bytes);
  bytes.set([checksum >> 8, checksum & 0xff], 2);
  expect(internetChecksum(bytes)).toBe(0);
});
