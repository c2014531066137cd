import { describe, expect, test } from "bun:test";

import { findNear } from "../../../src/daemon/find-near.ts";

describe("findNear", () => {
  test.each([
    ["abc", 1, "b", 1],
    ["abc", 1, "a", 0],
    ["abc", 1, "c", 2],
    ["abc", 0, "c", 2],
    ["abc", 9, "a", 0],
    ["aba", 2, "a", 2],
    ["aba", 1, "a", 2],
    ["abc", 1, "d", undefined],
    ["", 0, "a", undefined],
  ])("in %p near %d, %p is at %p", (letters, index, wanted, expected) => {
    const entries = letters.split("").map((letter, at) => ({ letter, at }));
    expect(findNear(entries, index, ({ letter }) => letter === wanted)?.at).toBe(expected as never);
  });

  test("looks at the place itself first", () => {
    const seen: number[] = [];
    findNear([0, 1, 2, 3], 2, (entry) => {
      seen.push(entry);
      return false;
    });
    expect(seen.slice(0, 1)).toEqual([2]);
    expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 2, 3]);
  });
});
