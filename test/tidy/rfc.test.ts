/**
 * The conformance matrices in docs/rfc: every row names tests that exist, or says why there is none.
 */
import { describe, expect, test } from "bun:test";

import { listFiles, readText } from "../helpers/source-tree.ts";

const testTexts = new Map(
  listFiles("test/**/*.test.ts").map((file) => [file, readText(file)] as const),
);

/** A named test: `` `file.test.ts`: `title` ``. */
const referencePattern = /`([\w-]+\.test\.ts)`:\s+`([^`]+)`/g;

/** References whose file or title is not there. */
function missing(text: string): string[] {
  return [...text.matchAll(referencePattern)].flatMap(([, name, title]) => {
    const isFound = [...testTexts].some(
      ([file, source]) => file.endsWith(`/${name}`) && source.includes(`"${title}"`),
    );
    return isFound ? [] : [`${name}: ${title}`];
  });
}

function rowsOf(file: string): string[][] {
  return readText(file)
    .split("\n")
    .filter((line) => /^\| *\d/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("missing() finds a test that is not there", () => {
  expect(missing("`rfc.test.ts`: `missing() finds a test that is not there`")).toEqual([]);
  expect(missing("`rfc.test.ts`: `no such title`")).toEqual(["rfc.test.ts: no such title"]);
});

describe.each(listFiles("docs/rfc/*.md"))("%s", (file) => {
  test("names tests that exist", () => {
    expect([...readText(file).matchAll(referencePattern)].length).toBeGreaterThan(10);
    expect(missing(readText(file))).toEqual([]);
  });

  test("has a test or a reason in every row", () => {
    const rows = rowsOf(file);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter((row) => row.length !== 5)).toEqual([]);
    expect(rows.filter(([, , , tests, why]) => `${tests}${why}`.length < 10)).toEqual([]);
  });
});
