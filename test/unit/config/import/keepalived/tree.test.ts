import { describe, expect, test } from "bun:test";

import { readTree } from "../../../../../src/config/import/keepalived/tree.ts";
import type { Directive, ReadInclude } from "../../../../../src/config/import/keepalived/tree.ts";
import { createNotes } from "../../../../../src/config/import/notes.ts";

type Plain = readonly [string] | readonly [string, readonly Plain[]];

function plain({ words, block }: Directive): Plain {
  const text = words.join(" ");
  return block === undefined ? [text] : [text, block.map(plain)];
}

function read(text: string, readInclude?: ReadInclude) {
  const notes = createNotes();
  const tree = readTree({ file: "a.conf", text }, notes, readInclude);
  const { warnings, problems } = notes.finish("a.conf");
  const told = [...warnings, ...problems];
  return {
    tree: tree.map(plain),
    notes: told.map(({ file, line, message }) => `${file}:${line}: ${message}`),
  };
}

describe("readTree()", () => {
  test.each<[string, string, Plain[]]>([
    ["blocks within blocks", "a b {\n c {\n d e\n }\n f\n}", [["a b", [["c", [["d e"]]], ["f"]]]]],
    ["a brace on the next line", "a\n{\nb\n}", [["a", [["b"]]]]],
    ["a block on one line", "a { b c } d", [["a", [["b c"]]], ["d"]]],
    ["an empty block", "a {}", [["a", []]]],
  ])("reads %s", (_, text, tree) => {
    expect(read(text)).toEqual({ tree, notes: [] });
  });

  test("knows the lines", () => {
    const notes = createNotes();
    const [a] = readTree({ file: "a.conf", text: "\n# x\na {\n\n  b\n}" }, notes);
    expect([a?.line, a?.block?.[0]?.line]).toEqual([3, 5]);
  });

  test.each<[string, string, Plain[], string[]]>([
    [
      "a brace too many",
      "a\n}\nb",
      [["a"], ["b"]],
      ['2: A "}" without a "{" before it: it is left out'],
    ],
    [
      "a missing brace",
      "a {\nb\n",
      [["a", [["b"]]]],
      ['2: A "}" is missing at the end of the file'],
    ],
    [
      "a block without a name",
      "{\na\n}\nb",
      [["b"]],
      ['1: A "{" without a name before it: its content is left out'],
    ],
    ["a value that is missing", "a $B", [["a $B"]], ["1: $B has no value in this file"]],
    [
      "a definition of several lines",
      "$B= c \\\n d\na",
      [["a"]],
      ["1: $B has several lines, which cannot be imported: it is left out"],
    ],
    [
      "a line for one host",
      "@one a {\nb\n}\nc",
      [["c"]],
      ['1: Conditional line "@one": it is left out, as for a host of another name'],
    ],
    [
      "a line for all hosts but one",
      "@^one a",
      [["a"]],
      ['1: Conditional line "@^one": it is taken, as for a host of another name'],
    ],
    [
      "an include without a reader",
      "include x\na",
      [["a"]],
      ['1: Included files "x" are not read'],
    ],
  ])("goes on after %s", (_, text, tree, notes) => {
    expect(read(text)).toEqual({ tree, notes: notes.map((note) => `a.conf:${note}`) });
  });

  test("replaces parameters, several words by one", () => {
    expect(read('$A=b c\nx $A ${A}d "y $A"').tree).toEqual([["x b c b cd y b c"]]);
  });

  test("reads included files where they are named, with their own lines", () => {
    const readInclude: ReadInclude = (pattern, file) => [
      { file: `${file}/${pattern}/1`, text: "b\n}" },
      { file: `${file}/${pattern}/2`, text: "c {" },
    ];
    expect(read("a {\ninclude x\n}\nd", readInclude)).toEqual({
      tree: [["a", [["b"], ["c", []]]], ["d"]],
      notes: [
        'a.conf/x/1:2: A "}" without a "{" before it: it is left out',
        'a.conf/x/2:1: A "}" is missing at the end of the file',
      ],
    });
  });

  test("ends for a file that includes itself", () => {
    const { tree, notes } = read("include a.conf\nb", () => [{ file: "a", text: "include a\nb" }]);
    expect(tree).toHaveLength(9);
    expect(notes).toEqual(["a:1: Includes are nested more than 8 deep: it is left out"]);
  });

  test("ends for files that each include many", () => {
    const file = { file: "a", text: "include a\ninclude a\n" };
    const { notes } = read("include a\n", () => [file, file, file, file]);
    expect(notes.join("\n")).toContain("More than 1000 included files: the rest is left out");
  });

  test("tells what a reader throws, and that nothing matches", () => {
    const fails: ReadInclude = () => {
      throw new Error("ENOENT\nno such file");
    };
    expect(read("include x", fails).notes).toEqual([
      String.raw`a.conf:1: Cannot read "x": "ENOENT\nno such file"`,
    ]);
    expect(read("include x", () => []).notes).toEqual(['a.conf:1: No file matches "x"']);
  });

  test("leaves out what is nested too deeply, and goes on behind it", () => {
    const { tree, notes } = read(`${"a {".repeat(100)} x ${"}".repeat(100)}\nb`);
    expect(tree.map(([name]) => name)).toEqual(["a", "b"]);
    expect(notes).toEqual(["a.conf:1: Braces are nested more than 32 deep: these are left out"]);
  });

  test("refuses a text above its bound", () => {
    const { tree, notes } = read("a\n".repeat(9 * 1024 * 1024));
    expect(tree).toEqual([]);
    expect(notes).toEqual(["a.conf:0: More than 16777216 characters: the file is left out"]);
  });
});
