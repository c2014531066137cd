/**
 * Every code an operator may meet stands in docs/errors.md, and nothing else does.
 */
import { expect, test } from "bun:test";

import { listFiles, readText, withoutComments } from "../helpers/source-tree.ts";

/**
 * Literals that look like a code and are none: states of TCP as `ipvsadm -L -c` names them, and
 * blocks of keepalived.conf.
 */
const notCodes = new Set([
  "SYN_RECV",
  "SYN_SENT",
  "FIN_WAIT",
  "TIME_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "BFD_CHECK",
  "DNS_CHECK",
  "FILE_CHECK",
  "MISC_CHECK",
]);
/** Names of environment variables and constants in brackets are no codes: `environment["NO_COLOR"]`. */
const codePattern = /(?<!\[)"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g;

function codesIn(file: string): string[] {
  const found = [...withoutComments(readText(file)).matchAll(codePattern)].map(([, code]) => code!);
  return found.filter((code) => !notCodes.has(code));
}

const used = new Set(listFiles("src/**/*.ts").flatMap(codesIn));
const rows = readText("docs/errors.md")
  .split("\n")
  .filter((line) => /^\| *`/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const documented = rows.map(([code]) => code!.replaceAll("`", ""));

test("the pattern finds codes", () => {
  expect(codesIn("src/errors/index.ts")).toEqual([]);
  expect([...'throw new ApplianceError("LISTEN_IN_USE", text)'.matchAll(codePattern)]).toHaveLength(
    1,
  );
  expect(used.size).toBeGreaterThan(0);
});

test("every code in src is documented in docs/errors.md", () => {
  expect([...used].filter((code) => !documented.includes(code)).toSorted()).toEqual([]);
});

test("every code in docs/errors.md is in src", () => {
  expect(documented.filter((code) => !used.has(code))).toEqual([]);
});

test("docs/errors.md is in order, without doubles", () => {
  expect(documented).toEqual([...new Set(documented)].toSorted());
});

test.each(rows)("%s has a meaning, a cause and something to do", (...cells) => {
  expect(cells).toHaveLength(4);
  expect(cells.filter((cell) => cell.length < 3)).toEqual([]);
});
