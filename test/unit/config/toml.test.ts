import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import { formatSection } from "../../../src/config/toml.ts";

describe("formatSection()", () => {
  test("writes a key a line, and lists of tables a table a line", () => {
    const table = {
      text: 'a "b" \\ \u0007',
      number: 5,
      flag: true,
      none: undefined,
      list: ["x", 1],
      empty: [],
      inner: { a: 1, none: undefined },
      tables: [{ a: 1 }, {}],
    };
    expect(formatSection("[x]", table)).toBe(
      [
        "[x]",
        'text = "a \\"b\\" \\\\ \\u0007"',
        "number = 5",
        "flag = true",
        'list = ["x", 1]',
        "empty = []",
        "inner = { a = 1 }",
        "tables = [",
        "  { a = 1 },",
        "  {},",
        "]",
        "",
      ].join("\n"),
    );
  });

  test("writes nothing for a table without values", () => {
    expect(formatSection("[x]", { none: undefined })).toBe("");
  });

  test.each(["\u007f", "\u0000\u001f", "\u2028", "é\u{1F600}", '"""', "'''", "a\nb\r\n"])(
    "writes %j so that it is read again",
    (value) => {
      expect(parse(formatSection("[x]", { value }))).toEqual({ x: { value } });
    },
  );
});
