import { expect, test } from "bun:test";

import { fileMappings, forgetCleanPages, lockPages } from "../../../ffi/memory.ts";

test("forgetCleanPages takes an empty range", () => {
  expect(forgetCleanPages(0x1000n, 0n)).toBe(true);
});

test("forgetCleanPages says no to an address that is not page-aligned", () => {
  expect(forgetCleanPages(0x1001n, 0x1000n)).toBe(false);
});

test("forgetCleanPages says no to pages that are not mapped", () => {
  expect(forgetCleanPages(0x1000n, 0x1000n)).toBe(false);
});

const maps = `00200000-01a39000 r--p 00000000 fe:00 5313359    /usr/sbin/appliance
01a40000-0684a000 r-xp 01838000 fe:00 5313359    /usr/sbin/appliance
06867000-06f34000 rw-p 0665e000 fe:00 5313359    /usr/sbin/appliance
7fc700000000-7fc700001000 r-xp 00000000 00:00 0
7fc8c0057000-7fc8c01ad000 r-xp 00026000 fe:00 339380    /usr/lib/libc.so.6
7ffd1b9f2000-7ffd1b9f4000 r-xp 00000000 00:00 0    [vdso]
`;

test("fileMappings() takes code of files only, nothing that can be written to", () => {
  expect(fileMappings(maps, "code")).toEqual([
    { start: 0x01a4_0000n, bytes: 0x04e0_a000n },
    { start: 0x7fc8_c005_7000n, bytes: 0x15_6000n },
  ]);
});

test("fileMappings() takes constants too, and nothing in an empty text", () => {
  expect(fileMappings(maps, "all").map(({ start }) => start)).toEqual([
    0x0020_0000n,
    0x01a4_0000n,
    0x7fc8_c005_7000n,
  ]);
  expect(fileMappings("", "all")).toEqual([]);
});

test("lockPages() says no to pages that are not mapped", () => {
  expect(lockPages(0x1000n, 0x1000n)).toBe(false);
});
