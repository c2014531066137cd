/**
 * Documents tell the truth about the tree: links lead somewhere, commands exist.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { commands as commandTable } from "../../src/cli/commands.ts";
import { lineAt, listFiles, readText, treeRoot } from "../helpers/source-tree.ts";

const documents = listFiles("*.md", "docs/**/*.md", "bench/*.md");

/** Heading as the anchor that Git hosts make of it. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function anchorsOf(path: string): string[] {
  return [...readText(path).matchAll(/^#+ +(.+)$/gm)].map(([, heading]) => anchorOf(heading!));
}

function brokenLinks(file: string): string[] {
  const text = readText(file);
  return [...text.matchAll(/\]\(([^()\s]+)\)/g)].flatMap((match) => {
    const [path, anchor] = match[1]!.split("#", 2);
    if (/^[a-z]+:/.test(match[1]!)) return [];
    const target = path === "" ? file : join(dirname(file), path!);
    const isThere = existsSync(treeRoot + target);
    const hasAnchor =
      anchor === undefined ||
      (isThere && target.endsWith(".md") && anchorsOf(target).includes(anchor));
    return isThere && hasAnchor ? [] : [`${file}:${lineAt(text, match.index)}: ${match[1]}`];
  });
}

test.each([
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "docs/architecture.md",
  "docs/errors.md",
  "docs/testing.md",
  "bench/results.md",
])("%s exists", (file) => {
  expect(existsSync(treeRoot + file)).toBe(true);
});

test.each(documents)("links in %s lead to files and headings of the tree", (file) => {
  expect(brokenLinks(file)).toEqual([]);
});

test("anchors are made as Git hosts make them", () => {
  expect(anchorOf("What is `live`, and what needs a restart?")).toBe(
    "what-is-live-and-what-needs-a-restart",
  );
});

const { scripts } = JSON.parse(readText("package.json")) as { scripts: Record<string, string> };
/** npm has these words as commands of its own, which run the script of that name. */
const shortForms = new Set(["start", "test"]);
const notScripts = new Set(["audit", "ci", "install"]);

/** Names in the table of commands; `help` is everywhere. */
const subcommands = new Set(["help", ...commandTable.map(({ name }) => name)]);

/** Subcommands at the beginning of a code span, or of a line of a code block. */
function subcommandsIn(text: string): Set<string> {
  const blocks = [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```|^ {4}\S[^\n]*/gm)].map(
    ([block, fenced]) => fenced ?? block,
  );
  const typed = /^(?: {4})?(?:\$ )?(?:sudo )?(?:dist\/)?appliance ([a-z][a-z-]*)/gm;
  const spans = [...text.matchAll(/`(?:sudo )?(?:dist\/)?appliance ([a-z][a-z-]*)/g)];
  const lines = blocks.flatMap((block) => [...block.matchAll(typed)]);
  return new Set([...spans, ...lines].map(([, name]) => name!));
}

describe("commands in documents", () => {
  test.each(documents)("npm scripts in %s exist", (file) => {
    const commands = [...readText(file).matchAll(/\bnpm (?:(run) )?([a-z][\w:-]*)/g)];
    const unknown = commands.flatMap(([command, run, name]) => {
      if (run === undefined && notScripts.has(name!)) return [];
      const isScript = scripts[name!] !== undefined && (run === "run" || shortForms.has(name!));
      return isScript ? [] : [command];
    });
    expect(unknown).toEqual([]);
  });

  test.each(documents)("scripts started with node in %s exist", (file) => {
    const paths = [...readText(file).matchAll(/\bnode ([\w./-]+\.mjs)/g)].map(([, path]) => path!);
    expect(paths.filter((path) => !existsSync(treeRoot + path))).toEqual([]);
  });

  test.each(documents)("subcommands of appliance in %s exist", (file) => {
    expect([...subcommandsIn(readText(file))].filter((name) => !subcommands.has(name))).toEqual([]);
  });

  test("finds subcommands where they are typed, not in prose", () => {
    const text = "appliance is fast. `sudo appliance drain X`\n\n    appliance run --config F\n";
    expect([...subcommandsIn(text)]).toEqual(["drain", "run"]);
  });
});

test("docs/security.md names every package of the executable", async () => {
  const script = `${treeRoot}packaging/components.mjs`;
  const { embeddedPackages } = (await import(script)) as {
    readonly embeddedPackages: () => readonly { readonly name: string }[];
  };
  const section = readText("docs/security.md").split("## Dependencies")[1]!.split("\n## ")[0]!;
  const names = embeddedPackages().map(({ name }) => name);
  expect(names.filter((name) => !section.includes(name))).toEqual([]);
  expect(names).toContain("valibot");
});
