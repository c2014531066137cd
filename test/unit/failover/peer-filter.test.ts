import { expect, test } from "bun:test";

import { assemblePeerFilter } from "../../../src/failover/peer-filter.ts";

/** Written by hand: load, compare and leave or go on, for each word; then accept; then drop. */
test("assemblePeerFilter() compares the source address, then the magic", () => {
  expect(assemblePeerFilter(Uint8Array.of(192, 0, 2, 3)).toHex()).toBe(
    [
      // ld [net + 12]; jeq 192.0.2.3, 1, 0; ja 4
      "200000000c00f0ff 15000100030200c0 0500000004000000",
      // ld [8]; jeq "ADPC", 1, 0; ja 1
      "2000000008000000 1500010043504441 0500000001000000",
      "06000000ffffffff 0600000000000000",
    ]
      .join("")
      .replaceAll(" ", ""),
  );
});

test("assemblePeerFilter() compares four words of an IPv6 address", () => {
  const program = assemblePeerFilter(new Uint8Array(16).fill(0xfd));
  expect(program.length / 8).toBe(5 * 3 + 2);
  // ld [net + 8], where the source of IPv6 stands.
  expect(program.subarray(0, 8).toHex()).toBe("200000000800f0ff");
});
