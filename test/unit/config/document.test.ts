import { describe, expect, test } from "bun:test";

import {
  below,
  fileBytesMax,
  formatPath,
  isTable,
  parseDocument,
  positionOf,
  writtenPath,
} from "../../../src/config/document.ts";

describe("parseDocument()", () => {
  test("gives the values of a text", () => {
    const document = parseDocument("[director]\nx = 1 # why\n", "a.toml");
    expect(document.fault).toBeUndefined();
    expect(document.table).toEqual({ director: { x: 1 } });
  });

  test("takes a byte order mark and CRLF", () => {
    expect(parseDocument("\uFEFFa = 1\r\nb = 2\r\n", "a").table).toEqual({ a: 1, b: 2 });
  });

  test.each([
    ["a = [1,\n", 2, 1, "valid TOML", "the end of the file"],
    ["a = 1\nb = x\n", 2, 5, "valid TOML", '"x"'],
    ["a =\n", 1, 4, "valid TOML", "the end of the line"],
    ["a = 1\nb", 2, 1, "valid TOML", '"b"'],
    ["a = 1\r\nb = \u{1F600}\r\n", 2, 5, "valid TOML", '"\u{1F600}"'],
    ["a = 1\na = 2\n", 2, 1, "valid TOML", '"a"'],
    ["a = 1\0", 1, 6, "text", "a NUL byte"],
    ["\0\u0001\u0002", 1, 1, "text", "a NUL byte"],
    [`a = ${"[".repeat(100)}`, 1, 37, "valid TOML", '"["'],
  ])("tells where %j is no TOML", (text, line, column, expected, found) => {
    const { table, fault } = parseDocument(text, "a.toml");
    expect(table).toBeUndefined();
    expect(fault).toMatchObject({ line, column, expected, found });
  });

  test("refuses a text that is too long, without reading it", () => {
    const { fault } = parseDocument(" ".repeat(fileBytesMax + 1), "a.toml");
    expect(fault).toMatchObject({ line: 0, expected: "a file of at most 16777216 bytes" });
  });
});

test.each([
  [[], ""],
  [["virtual_service", 0, "check", "interval"], "virtual_service[0].check.interval"],
  [["a b", "c"], '"a b".c'],
  [["x".repeat(100)], `"${"x".repeat(64)}"`],
])("formatPath() writes %j", (path, text) => {
  expect(formatPath(path)).toBe(text);
});

test("below() leads on", () => {
  const document = parseDocument("", "a");
  expect(below({ document, path: ["a"] }, 0, "b").path).toEqual(["a", 0, "b"]);
});

describe("writtenPath()", () => {
  const document = parseDocument('[[s]]\nlisten = "x"\nlist = ["x"]\n', "a");

  test.each([
    [
      ["s", 0, "listen", 0],
      ["s", 0, "listen"],
    ],
    [
      ["s", 0, "list", 0],
      ["s", 0, "list", 0],
    ],
    [
      ["s", 0, "missing", 0],
      ["s", 0, "missing", 0],
    ],
    [
      ["s", 0, "constructor"],
      ["s", 0, "constructor"],
    ],
  ])("takes %j for %j", (path, written) => {
    expect(writtenPath({ document, path })).toEqual(written);
  });
});

test("positionOf() counts from 1", () => {
  expect(positionOf("ab\ncd", 0)).toEqual({ line: 1, column: 1 });
  expect(positionOf("ab\ncd", 4)).toEqual({ line: 2, column: 2 });
});

test("isTable() knows tables", () => {
  expect([{}, [], null, "x", undefined].map(isTable)).toEqual([true, false, false, false, false]);
});
