/**
 * The search in a page: what Perl's unanchored match finds, bodies in parts, budget.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { compilePattern, createBodySearch } from "../../../src/check/body-search.ts";
import type { BodyStage } from "../../../src/check/body-search.ts";

async function look(pattern: string, body: string, stage: BodyStage): Promise<boolean> {
  const compiled = await compilePattern(pattern);
  return createBodySearch(compiled!).look(new TextEncoder().encode(body), stage);
}

describe("look at a complete body", () => {
  test.each([
    ["a word anywhere", "Test Page", "<h1>Test Page</h1>", true],
    ["no such word", "Test Page", "<h1>Test page</h1>", false],
    ["letters of either case when asked for", "(?i)test page", "TEST PAGE", true],
    ["the start of the body with ^", "^OK", "OK\nmore", true],
    ["no start of a later line with ^", "^OK", "not\nOK", false],
    ["the start of a later line with (?m)", "(?m)^OK$", "not\nOK\nend", true],
    ["the start of the body with \\A", "\\AOK", "OK", true],
    ["the end of the body with $", "OK$", "all OK", true],
    ["the end before a last newline with $, as Perl", "OK$", "all OK\n", true],
    ["no end before two newlines with $", "OK$", "OK\n\n", false],
    ["no end of an earlier line with $", "OK$", "OK\nend", false],
    ["no newline with a dot", "a.b", "a\nb", false],
    ["a newline with (?s)", "(?s)a.b", "a\nb", true],
    ["a word with \\b at the end", "\\bOK\\b", "is OK", true],
    ["letters outside of ASCII", "größe", "die größe", true],
    ["nothing at all with an empty pattern", "", "", true],
  ])("finds %s", async (_name, pattern, body, found) => {
    expect(await look(pattern, body, "complete")).toBe(found);
  });

  test("takes bytes that are no UTF-8", async () => {
    const compiled = await compilePattern("Test Page");
    const body = Uint8Array.from([0xff, 0xfe, ...Buffer.from("Test Page"), 0xc3]);
    expect(createBodySearch(compiled!).look(body, "complete")).toBe(true);
  });

  test("takes a pattern that backtracks for ever elsewhere in linear time", async () => {
    const compiled = await compilePattern("^(a+)+$");
    const body = new TextEncoder().encode(`${"a".repeat(65_535)}b`);
    expect(createBodySearch(compiled!).look(body, "complete")).toBe(false);
  });
});

describe("look at a body that goes on", () => {
  test.each<[string, string, string, BodyStage, boolean]>([
    ["a match counts at once", "Test Page", "Test Page", "partial", true],
    ["an end that is none does not", "OK$", "all OK", "partial", false],
    ["nor a word that may go on", "\\bOK\\b", "is OK", "partial", false],
    ["where it is cut off, an end is none", "OK$", "all OK", "cut", false],
    ["but a word in the midst is one", "\\bOK\\b", "is OK and more", "cut", true],
    ["and a line in the midst", "(?m)^OK$", "a\nOK\nb", "cut", true],
  ])("%s", async (_name, pattern, body, stage, found) => {
    expect(await look(pattern, body, stage)).toBe(found);
  });
});

test("look does not search again and again in a body that drips in", async () => {
  const compiled = await compilePattern("never there");
  let searchedCharacters = 0;
  const spy = {
    pattern: () => compiled!.pattern(),
    test: (text: string) => {
      searchedCharacters += text.length;
      return compiled!.test(text);
    },
  };
  const search = createBodySearch(spy as never);
  const body = new Uint8Array(64 * 1024).fill(97);
  for (let bytes = 1; bytes <= body.length; bytes++)
    search.look(body.subarray(0, bytes), "partial");
  search.look(body, "complete");
  // Eight bodies eagerly, then doublings, then the last look; 32,000 bodies without a budget.
  expect(searchedCharacters).toBeLessThan(11 * 64 * 1024);
});

test.each(["(", "(?=a)", "(a)\\1"])("compilePattern gives nothing for %s", async (pattern) => {
  expect(await compilePattern(pattern)).toBeUndefined();
});
