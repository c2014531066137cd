/**
 * What files mean: each `valid/NAME.toml` has its effective configuration in `valid/NAME.json`.
 * `UPDATE_GOLDEN=1` writes them anew; read the difference.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

import { explainConfig, formatConfig, parseConfig } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";

const folder = `${import.meta.dir}/valid`;
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".toml"))
  .map((name) => name.replace(/\.toml$/, ""));

const environment = { cores: 2 };

function textOf(name: string): string {
  return readFileSync(`${folder}/${name}.toml`, "utf8");
}

function parse(text: string): LoadedConfig {
  return parseConfig(text, "a.toml", environment);
}

test("there are valid files", () => {
  expect(names.length).toBeGreaterThan(2);
});

describe.each(names)("%s", (name) => {
  test("means what the golden file says", () => {
    const golden = `${folder}/${name}.json`;
    const found = explainConfig(parse(textOf(name)).config);
    if (process.env["UPDATE_GOLDEN"] === "1") {
      writeFileSync(golden, `${JSON.stringify(found, undefined, 2)}\n`);
    }
    expect(existsSync(golden)).toBe(true);
    expect(found).toEqual(JSON.parse(readFileSync(golden, "utf8")));
  });

  test("means the same with CRLF, with a byte order mark, and without a last line end", () => {
    const text = textOf(name);
    const { config } = parse(text);
    expect(parse(text.replaceAll("\n", "\r\n")).config).toEqual(config);
    expect(parse(`\uFEFF${text}`).config).toEqual(config);
    expect(parse(text.trimEnd()).config).toEqual(config);
  });

  test.each([true, false])("means the same formatted, with defaults: %p", (withDefaults) => {
    const { config } = parse(textOf(name));
    const formatted = formatConfig(config, { withDefaults, environment });
    expect(parse(formatted).config).toEqual(config);
  });
});
