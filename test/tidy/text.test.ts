/**
 * Rules of text: size of files, head comments, documented exports, words, and nothing of the
 * machine it was written on.
 */
import { describe, expect, test } from "bun:test";

import { codeLines, lineAt, listFiles, readText, withoutComments } from "../helpers/source-tree.ts";

/** Lines of code of one file; a longer one holds more than one concept. */
const codeLinesMax = 400;
const columnsMax = 100;

const product = listFiles("src/**/*.ts", "ffi/**/*.ts");
const tools = listFiles("bench/**/*.ts", "packaging/*.mjs", ".ci/*.mjs");
const helpers = listFiles("test/helpers/**/*.ts");
const tests = listFiles("test/**/*.test.ts");
const documents = listFiles("*.md", "docs/**/*.md", "bench/*.md");

const exportPattern =
  /^export (?:declare |async |abstract )*(?:function\*?|const|let|class|interface|type) (\w+)/;

/**
 * Exports without a comment directly above. Kernel numbers keep the kernel's names, which say it
 * all; of an overloaded function the first has the comment.
 */
function undocumentedExports(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const name = line.match(exportPattern)?.[1];
    if (name === undefined || /^[A-Z][A-Z0-9_]*$/.test(name)) return [];
    const above = lines[index - 1]?.trimEnd() ?? "";
    const isOverloaded = lines
      .slice(0, index)
      .some((other) => other.startsWith(`export function ${name}(`));
    return above.endsWith("*/") || isOverloaded ? [] : [`${index + 1}: ${name}`];
  });
}

describe("size", () => {
  test.each([...product, ...tools, ...helpers, ...tests])(
    "%s has at most 400 lines of code",
    (file) => {
      expect(codeLines(readText(file))).toBeLessThanOrEqual(codeLinesMax);
    },
  );

  test.each([...product, ...tools])("%s has no line of more than 100 columns", (file) => {
    const long = readText(file)
      .split("\n")
      .flatMap((line, index) => (line.length > columnsMax ? [`${file}:${index + 1}`] : []));
    expect(long).toEqual([]);
  });
});

describe("comments", () => {
  test.each([...product, ...tools, ...helpers])("%s starts with a head comment", (file) => {
    const text = readText(file).replace(/^#!.*\n/, "");
    const head = text.match(/^\/\*\*[\s\S]*?\*\//)?.[0] ?? "";
    // A benchmark is a program, not a module of anything.
    if (!file.endsWith(".bench.ts")) expect(head).toMatch(/@module\s*\*\/$/);
    // A head that only repeats the file's name explains nothing.
    expect(head.replace(/[\s*/]|@module/g, "").length).toBeGreaterThan(20);
  });

  test.each(product)("%s documents what it exports", (file) => {
    expect(undocumentedExports(readText(file))).toEqual([]);
  });

  test("finds an export without a comment", () => {
    const text =
      "/** Says. */\nexport const a = 1;\nexport const b = 2;\nexport const EPERM = 1;\n";
    expect(undocumentedExports(text)).toEqual(["3: b"]);
  });
});

/** Words that have another word here (docs/glossary.md), and where they are right all the same. */
const bannedWords: readonly (readonly [word: RegExp, instead: string, allowed: RegExp])[] = [
  [/\b[Bb]ack[- ]?end|[a-z]Backend/, "real server, engine", /^docs\/glossary\.md$/],
  [/\b[Uu]pstream|[a-z]Upstream/, "real server", /^docs\/glossary\.md$/],
  [/\b[Ff]ront[- ]?end|[a-z]Frontend/, "virtual service", /^docs\/glossary\.md$/],
  [/\bvserver/i, "virtual service", /^docs\/glossary\.md$/],
  [/floating ip/i, "virtual address", /^docs\/glossary\.md$/],
  [/sorry[- ]?server/i, "fallback server", /^docs\/glossary\.md$/],
  [/stickiness/i, "persistence", /^docs\/glossary\.md$/],
  // Probing is the word for walking a hash table (mh) and for asking what a kernel can do.
  [/\bprob(?:e|es|ed|ing)\b/i, "check", /^docs\/glossary\.md$|^src\/scheduler\/|^src\/datapath\//],
  // `ip link set … master` and IPVS's sync daemon have these words in their interfaces.
  [
    /\bmaster\b/i,
    "active",
    /^docs\/glossary\.md$|^test\/helpers\/|^bench\/|^src\/cli\/(?:list-format|heartbeat\/lvs-\S+)\.ts$/,
  ],
  [/\bslave\b/i, "backup", /^docs\/glossary\.md$/],
  [/\b(?:TODO|FIXME|XXX|HACK)\b/, "an issue", /^$/],
];

/** Prose of a document: what stands in code spans and blocks may be the word of another program. */
function prose(file: string): string {
  const text = readText(file);
  if (!file.endsWith(".md")) return text;
  const blank = (match: string): string => match.replace(/[^\n]/g, " ");
  return text.replace(/```[\s\S]*?```/g, blank).replace(/`[^`\n]*`/g, blank);
}

describe("words", () => {
  test.each([...product, ...tools, ...helpers, ...documents])(
    "%s uses the words of the glossary",
    (file) => {
      const text = prose(file);
      const found = bannedWords.flatMap(([word, instead, allowed]) => {
        if (allowed.test(file)) return [];
        const match = text.match(word);
        if (match?.index === undefined) return [];
        return [`${file}:${lineAt(text, match.index)}: "${match[0]}", say ${instead}`];
      });
      expect(found).toEqual([]);
    },
  );
});

/** Folders and hosts of a developer's machine. The pattern is split, so as not to find itself. */
const machinePattern = new RegExp(
  [
    String.raw`(?<![\w.])/(?:wo${""}rk|ro${""}ot|ho${""}me/\w+|us${""}r/local/lib)/`,
    String.raw`/tm${""}p/(?:try|h-\w+|helpers)\b`,
    String.raw`https?://(?:registry|npm|proxy|mirror)[\w.-]*[:/](?<!registry\.npmjs\.org/)`,
  ].join("|"),
);

describe("machine", () => {
  const texts = listFiles(
    "**/*.{ts,mjs,md,json,toml,txt,sh,yml,yaml}",
    ".*.json",
    ".gitignore",
    ".ci/*",
  );

  test("the list of texts is not empty", () => {
    expect(texts).toContain("package-lock.json");
    expect(texts).toContain(".ci/test.mjs");
  });

  test.each(texts)("%s names no path or host of one machine", (file) => {
    const text = readText(file);
    const match = text.match(machinePattern);
    expect(match === null ? "" : `${file}:${lineAt(text, match.index!)}: ${match[0]}`).toBe("");
  });
});

/** What a test file may not do: leave tests out, or skip some without saying why. */
function omissions(text: string): string[] {
  const left = text.match(/\b(?:test|it|describe)\.(?:only|todo|skip|failing|if|todoIf)\b/)?.[0];
  // Written in two parts, or this file would seem to skip something itself.
  const isSilent =
    text.includes([".skip", "If("].join("")) && !/helpers\/require-[a-z]+\.ts/.test(text);
  return [
    ...(left === undefined ? [] : [left]),
    ...(isSilent ? ["a skip without a requirement of test/helpers/require-*.ts"] : []),
  ];
}

test.each(tests)("%s leaves nothing out, and every skip has a reason", (file) => {
  expect(omissions(withoutComments(readText(file)))).toEqual([]);
});
