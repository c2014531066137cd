import { expect, test } from "bun:test";

import { suggestNote, suggestWord } from "../../../src/cli/suggestion.ts";

const known = ["status", "standby", "drain", "list", "enable", "disable"];

test.each([
  ["statsu", "status"],
  ["stauts", "status"],
  ["drian", "drain"],
  ["stat", "status"],
  ["sta", undefined],
  ["st", undefined],
  ["lst", "list"],
  ["xyz", undefined],
  ["", undefined],
  ["x".repeat(100), undefined],
])("suggestWord(%p) is %p", (word, expected) => expect(suggestWord(word, known)).toBe(expected));

test("suggestNote is empty without a suggestion", () => {
  expect(suggestNote("drian", known)).toBe(' (did you mean "drain"?)');
  expect(suggestNote("xyz", known)).toBe("");
});
