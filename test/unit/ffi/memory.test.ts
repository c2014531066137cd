import { expect, test } from "bun:test";

import { forgetCleanPages } from "../../../ffi/memory.ts";

test("forgetCleanPages takes an empty range", () => {
  expect(forgetCleanPages(0x1000n, 0n)).toBe(true);
});

test("forgetCleanPages says no to an address that is not page-aligned", () => {
  expect(forgetCleanPages(0x1001n, 0x1000n)).toBe(false);
});

test("forgetCleanPages says no to pages that are not mapped", () => {
  expect(forgetCleanPages(0x1000n, 0x1000n)).toBe(false);
});
