import { describe, expect, test } from "bun:test";

import {
  authkeysRules,
  haCfRules,
  haresourcesRules,
  readLines,
} from "../../../../../src/config/import/heartbeat/line.ts";
import type { LineRules } from "../../../../../src/config/import/heartbeat/line.ts";

/** `line: words` of each line. */
function read(text: string, rules: LineRules): readonly string[] {
  return readLines({ file: "f", text }, rules).map(
    ({ line, words }) => `${line}: ${words.join("|")}`,
  );
}

describe("readLines()", () => {
  test.each([
    ["words at blanks and tabs", "a b\tc\n", ["1: a|b|c"]],
    ["leaves empty lines and comments out", "\n# x\n \na\n", ["4: a"]],
    ["a comment behind words", "a # b\nc#d\n", ["1: a", "2: c"]],
    ["CR LF and a byte-order mark", "\uFEFFa b\r\nc\r\n", ["1: a|b", "2: c"]],
    ["no end of line at the end", "a\nb", ["1: a", "2: b"]],
    ["a backslash means nothing", "a \\\nb\n", ["1: a|\\", "2: b"]],
  ])("reads of ha.cf: %s", (_, text, expected) => {
    expect(read(text, haCfRules)).toEqual(expected);
  });

  test.each([
    ["continued lines are one", "a \\\n  b \\\n\tc\nd\n", ["1: a|b|c", "4: d"]],
    ["a backslash with blanks behind it", "a \\  \nb\n", ["1: a|b"]],
    ["a comment between continued lines", "a \\\n# x\n b\n", ["1: a|b"]],
    ["a comment never continues", "# a \\\nb\n", ["2: b"]],
    ["an empty line ends a continued one", "a \\\n\nb\n", ["1: a", "3: b"]],
    ["the text ends within a continued line", "a \\\n", ["1: a"]],
    ["a hash within an argument", "a b::c#d # e\n", ["1: a|b::c#d"]],
    ["nothing but a backslash", "\\\na\n", ["2: a"]],
  ])("reads of haresources: %s", (_, text, expected) => {
    expect(read(text, haresourcesRules)).toEqual(expected);
  });

  test("reads of authkeys: a secret with a hash", () => {
    expect(read(" # x\n1 sha1 #a#b\n", authkeysRules)).toEqual(["2: 1|sha1|#a#b"]);
  });
});
