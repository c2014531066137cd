import { describe, expect, test } from "bun:test";

import { lex } from "../../../../../src/config/import/keepalived/lexer.ts";

/** Tokens in short: words as they are, braces as themselves, each with its line. */
function tokens(text: string): readonly (readonly [line: number, ...words: string[]])[] {
  return [...lex(text)].map((token) => {
    if (token.kind === "words") return [token.line, ...token.words];
    if (token.kind === "macro") return [token.line, `$${token.name}`, token.value];
    return [token.line, token.kind === "open" ? "{" : "}"];
  });
}

describe("lex()", () => {
  test.each([
    ["an empty text", "", []],
    ["blanks only", " \t\r\n\n", []],
    [
      "words of two lines",
      "a b\n c",
      [
        [1, "a", "b"],
        [2, "c"],
      ],
    ],
    [
      "a comment with #",
      "a # b\nc",
      [
        [1, "a"],
        [2, "c"],
      ],
    ],
    [
      "a comment with ! within a word",
      "a!b\nc",
      [
        [1, "a"],
        [2, "c"],
      ],
    ],
    [
      "braces without blanks",
      "a{b}c",
      [
        [1, "a"],
        [1, "{"],
        [1, "b"],
        [1, "}"],
        [1, "c"],
      ],
    ],
    [
      "a brace on its own line",
      "a\n{\n}",
      [
        [1, "a"],
        [2, "{"],
        [3, "}"],
      ],
    ],
    ["quotes around blanks, braces and comments", 'a "b {c} #d !e"', [[1, "a", "b {c} #d !e"]]],
    ["quotes within a word", 'a x"b c"y', [[1, "a", "xb cy"]]],
    ["an escaped quote", String.raw`a "b\"c\\d\e"`, [[1, "a", String.raw`b"c\d\e`]]],
    [
      "a quote without its end",
      'a "b c\nd',
      [
        [1, "a", "b c"],
        [2, "d"],
      ],
    ],
    ["an empty quoted text", 'a ""', [[1, "a", ""]]],
    [
      "a line that is continued",
      "a b \\\n c\nd",
      [
        [1, "a", "b", "c"],
        [3, "d"],
      ],
    ],
    [
      "a continued line with CRLF",
      "a b \\\r\n c\r\nd",
      [
        [1, "a", "b", "c"],
        [3, "d"],
      ],
    ],
    ["a reference with braces", "a ${B}/${C:-3 }x", [[1, "a", "${B}/${C:-3 }x"]]],
    [
      "a reference without its end",
      "a ${B",
      [
        [1, "a", "$"],
        [1, "{"],
        [1, "B"],
      ],
    ],
    [
      "a definition",
      "$A=b c # d\ne",
      [
        [1, "$A", "b c # d"],
        [2, "e"],
      ],
    ],
    [
      "a definition of two lines",
      "$A= b \\\n c\nd",
      [
        [1, "$A", "b\nc"],
        [3, "d"],
      ],
    ],
    ["no definition within a line", "a $B=c", [[1, "a", "$B=c"]]],
    ["a byte order mark", "\uFEFFa", [[1, "a"]]],
    ["NUL between words", "a\0b", [[1, "a", "b"]]],
  ] as const)("reads %s", (_, text, expected) => {
    expect(tokens(text)).toEqual(expected as never);
  });
});
