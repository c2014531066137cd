import { expect, test } from "bun:test";

import { FilterProgram, give, loadWord, wordsOf } from "../../../src/failover/filter-program.ts";

/** Code, jumps and value of each instruction. */
function instructionsOf(program: FilterProgram): string[] {
  const bytes = program.encode();
  return Array.from({ length: bytes.length / 8 }, (_, index) =>
    bytes.subarray(index * 8, index * 8 + 8).toHex(),
  );
}

test("a program without instructions drops everything", () => {
  expect(instructionsOf(new FilterProgram())).toEqual(["0600000000000000"]);
});

test("require() jumps to the end, however far it is", () => {
  const program = new FilterProgram();
  program.add(loadWord, 4);
  program.require(7);
  for (let count = 0; count < 300; count++) program.add(loadWord, 0);
  program.add(give, 1);
  const all = instructionsOf(program);
  // Equal: over one instruction. Otherwise: over 301, to the last one.
  expect(all.slice(0, 3)).toEqual(["2000000004000000", "1500010007000000", "050000002d010000"]);
  expect(all).toHaveLength(305);
  expect(all[304]).toBe("0600000000000000");
});

test("wordsOf() reads in network order, also inside of a larger buffer", () => {
  const bytes = Uint8Array.of(9, 192, 0, 2, 3);
  expect(wordsOf(bytes.subarray(1))).toEqual([0xc000_0203]);
});
