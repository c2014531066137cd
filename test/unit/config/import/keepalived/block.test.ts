import { describe, expect, test } from "bun:test";

import {
  expectNoMore,
  leaveOut,
  readBlock,
} from "../../../../../src/config/import/keepalived/block.ts";
import { readTargets } from "../../../../../src/config/import/keepalived/target.ts";
import { readTree } from "../../../../../src/config/import/keepalived/tree.ts";
import { createNotes } from "../../../../../src/config/import/notes.ts";

function first(text: string) {
  const notes = createNotes();
  const [directive] = readTree({ file: "a", text }, notes);
  const told = () => notes.finish("a").warnings.map(({ line, message }) => `${line}: ${message}`);
  return { directive: directive!, notes, told };
}

describe("readBlock()", () => {
  test("gives each directive to its handler, in order, and warns of the others", () => {
    const { directive, notes, told } = first("a {\nb 1\nc\nb 2\n__proto__\n}");
    const seen: (string | undefined)[] = [];
    readBlock(directive, { b: ({ words }) => void seen.push(words[1]) }, notes);
    expect(seen).toEqual(["1", "2"]);
    expect(told()).toEqual([
      '3: "c" of a is left out: it is unknown or has no equal here',
      '5: "__proto__" of a is left out: it is unknown or has no equal here',
    ]);
  });

  test("does nothing without braces", () => {
    const { directive, notes, told } = first("a");
    readBlock(directive, {}, notes);
    expect(told()).toEqual([]);
  });
});

test("leaveOut() cuts what it quotes", () => {
  const { directive, notes, told } = first("x".repeat(100));
  leaveOut(directive, notes);
  expect(told()).toEqual([
    `1: "${"x".repeat(60)}…" is left out: it is unknown or has no equal here`,
  ]);
});

test("expectNoMore() tells only of words that are there", () => {
  const { directive, notes, told } = first("a b c d");
  expectNoMore(directive, 4, notes);
  expect(told()).toEqual([]);
  expectNoMore(directive, 2, notes);
  expect(told()).toEqual(['1: "c d" after a is left out']);
});

test("readTargets() bounds the addresses of a group", () => {
  const ranges = Array.from({ length: 20 }, (_, index) => `10.0.${index}.0-255 80`).join("\n");
  const { directive: group, notes, told } = first(`virtual_server_group G {\n${ranges}\n}`);
  const { directive } = first("virtual_server group G {\n}");
  const [target] = readTargets(directive, new Map([["G", group]]), notes);
  expect(target).toMatchObject({ name: "G", listen: { length: 4096 } });
  expect(told()).toHaveLength(4);
  expect(told()[0]).toBe("18: More than 4096 addresses: these are left out");
});
