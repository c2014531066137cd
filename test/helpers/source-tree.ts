/**
 * The files of this tree as text, for the tests of test/tidy.
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { Glob } from "bun";

/** Root of the tree, with a slash at its end. */
export const treeRoot = new URL("../../", import.meta.url).pathname;

const notOurs = /(?:^|\/)(?:node_modules|dist|\.git)\//;

/** Paths from the root of the files that match, in order. */
export function listFiles(...patterns: readonly string[]): string[] {
  const found = patterns.flatMap((pattern) => [
    ...new Glob(pattern).scanSync({ cwd: treeRoot, dot: true }),
  ]);
  return [...new Set(found)].filter((path) => !notOurs.test(path)).toSorted();
}

/** Text of a file. */
export function readText(path: string): string {
  return readFileSync(treeRoot + path, "utf8");
}

const stringOrComment =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The text with blanks instead of comments; lines keep their numbers. */
export function withoutComments(text: string): string {
  return text.replace(stringOrComment, (match) =>
    match.startsWith("/") ? match.replace(/[^\n]/g, " ") : match,
  );
}

/** Lines that hold code. */
export function codeLines(text: string): number {
  return withoutComments(text)
    .split("\n")
    .filter((line) => line.trim() !== "").length;
}

/** Number of the line at an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
