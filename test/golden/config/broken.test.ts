/**
 * What an operator reads about broken files: each `broken/NAME.in` has its problems in
 * `broken/NAME.txt`, a line each. (They are not named .toml: formatters stumble over them.)
 *
 * `UPDATE_GOLDEN=1` writes the lists anew; read the difference.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

import { ConfigError, formatProblem, parseConfig } from "../../../src/config/index.ts";

const folder = `${import.meta.dir}/broken`;
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".in"))
  .map((name) => name.replace(/\.in$/, ""));

function problemsOf(name: string): string {
  try {
    parseConfig(readFileSync(`${folder}/${name}.in`, "utf8"), `${name}.toml`);
  } catch (error) {
    if (error instanceof ConfigError) return `${error.problems.map(formatProblem).join("\n")}\n`;
    throw error;
  }
  return "";
}

test("there are broken files", () => {
  expect(names.length).toBeGreaterThan(15);
});

describe.each(names)("%s", (name) => {
  test("has the problems that the golden file lists", () => {
    const golden = `${folder}/${name}.txt`;
    const found = problemsOf(name);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, found);
    expect(existsSync(golden)).toBe(true);
    expect(found).not.toBe("");
    expect(found).toBe(readFileSync(golden, "utf8"));
  });
});
