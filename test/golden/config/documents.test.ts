/**
 * What documents show of the configuration is right: examples can be used, and every key is there.
 */
import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../src/config/index.ts";
import { listFiles, readText } from "../../helpers/source-tree.ts";

const examples = listFiles("README.md", "docs/**/*.md").flatMap((file) =>
  [...readText(file).matchAll(/```toml\n([\s\S]*?)```/g)].map(
    ([, text], index) => [`${file}, example ${index + 1}`, text!] as const,
  ),
);

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(3);
});

test.each(examples)("%s can be used", (_, text) => {
  // A part of a file has no service of its own.
  const isWhole = text.includes("[[virtual_service]]");
  const rest =
    '\n[[virtual_service]]\nname = "x"\nlisten = "192.0.2.9:9"\nfallback = "127.0.0.1:9"\n';
  expect(() => parseConfig(isWhole ? text : text + rest, "example")).not.toThrow();
});

test("packaging/appliance.toml.example can be used, without a warning", () => {
  const file = "packaging/appliance.toml.example";
  const text = readText(file);
  expect(parseConfig(text, file).warnings).toEqual([]);
  // What is commented out can be used as well.
  const all = text.replaceAll(/^# (?=\w+ = )/gm, "");
  expect(all).not.toBe(text);
  expect(() => parseConfig(all, file)).not.toThrow();
});

describe("docs/configuration.md", () => {
  const text = readText("docs/configuration.md");
  const source = listFiles("src/config/schema/*.ts").map(readText).join("\n");
  // Keys of tables stand at the beginning of a line, before a schema or the function that makes it.
  const keys = [...source.matchAll(/^ {2}([a-z][a-z0-9_]*): (?:v\.|\w+\(|(?!string|T\b)\w+,$)/gm)].map(
    ([, key]) => key!,
  );

  test("the pattern finds keys", () => {
    expect(keys).toContain("stop_timeout");
    expect(keys).toContain("connects_per_negotiate");
    expect(keys.length).toBeGreaterThan(60);
  });

  test("has every key of the schema", () => {
    expect([...new Set(keys)].filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });
});
