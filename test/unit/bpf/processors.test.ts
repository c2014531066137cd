import { expect, test } from "bun:test";

import { countPossible, possibleProcessors } from "../../../src/bpf/index.ts";

test.each([
  ["0\n", 1],
  ["0-3\n", 4],
  ["0-3,8-127\n", 128],
  ["", 1],
])("countPossible(%j) is %p", (list, count) => {
  expect(countPossible(list)).toBe(count);
});

test("possibleProcessors() knows this host", () => {
  expect(possibleProcessors()).toBeGreaterThan(0);
});
