/**
 * What files of ldirectord become: each `ldirectord/NAME.cf` has its native text in `NAME.toml` and
 * its warnings in `NAME.warnings`, without those on what a build cannot do yet. `UPDATE_GOLDEN=1`
 * writes them anew; read the difference.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { importFile } from "../../../src/config/import/index.ts";
import { formatWarning } from "../../../src/config/problem.ts";

const folder = `${import.meta.dir}/ldirectord`;
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".cf"))
  .map((name) => name.replace(/\.cf$/, ""));

/** Compares with a golden file, or writes it. */
function expectGolden(name: string, text: string): void {
  const path = `${folder}/${name}`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, "utf8"));
}

test("there are files", () => {
  expect(names.toSorted()).toEqual(["every-check", "two-sites"]);
});

describe.each(names)("%s.cf", (name) => {
  const result = importFile(readFileSync(`${folder}/${name}.cf`, "utf8"), `${name}.cf`);

  test("becomes the native text of the golden file", () => {
    expectGolden(`${name}.toml`, result.ok ? result.toml : JSON.stringify(result.problems));
  });

  test("has the warnings of the golden file", () => {
    const lines = result.warnings
      .map((warning) => `${formatWarning(warning)}\n`)
      .filter((line) => !line.includes("validate of this build refuses"));
    expectGolden(`${name}.warnings`, lines.join(""));
  });
});
