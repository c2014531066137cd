/**
 * Import direction, checked on the source text. One row a folder: what it may import besides
 * itself. A new folder must be added here on purpose.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

import { listFiles, readText, treeRoot, withoutComments } from "../helpers/source-tree.ts";

/** Folders without an own one below them. */
const ground = ["src/errors", "src/clock", "src/log", "src/net"];
/** Stands for `bun` and every module of Node's standard library. */
const platform = "node:";

const mayImport: Readonly<Record<string, readonly string[]>> = {
  ffi: ["bun:ffi", "node:os"],
  "src/errors": [],
  "src/clock": [],
  "src/net": [],
  "src/log": ["src/clock"],
  "src/process": [...ground, platform],
  "src/model": ["src/net"],
  "src/scheduler": ["src/model", "src/net", "src/errors"],
  "src/config": [
    "src/model",
    "src/net",
    "src/errors",
    "src/scheduler",
    "src/vrrp",
    "re2js",
    "smol-toml",
    "toml-eslint-parser",
    "valibot",
  ],
  "src/check": [
    ...ground,
    "ffi",
    "src/model",
    "src/process",
    "src/scheduler",
    "dns-packet",
    "re2js",
    platform,
  ],
  "src/datapath": [
    ...ground,
    "ffi",
    "src/bpf",
    "src/fence",
    "src/model",
    "src/netlink",
    "src/scheduler",
    "src/thread",
    platform,
  ],
  "src/thread": ["src/errors"],
  "src/failover": [
    ...ground,
    "ffi",
    "src/bpf",
    "src/fence",
    "src/model",
    "src/netlink",
    "src/peer",
    "src/thread",
    "src/vrrp",
    platform,
  ],
  "src/vrrp": ["src/net", "src/errors"],
  "src/peer": ["src/errors", "src/net", platform],
  "src/netlink": ["ffi", "src/errors", "src/net"],
  "src/bpf": ["ffi", "src/errors", platform],
  "src/fence": ["ffi", "src/bpf", "src/errors", "src/net", "src/netlink", platform],
  "src/vip-path": [
    "ffi",
    "src/bpf",
    "src/clock",
    "src/errors",
    "src/fence",
    "src/net",
    "src/netlink",
  ],
  "src/host": [...ground, "ffi", "src/model", "src/netlink", "src/process", platform],
  "src/status": ["src/model", "src/net", "src/clock", "src/errors", "hono", "valibot", platform],
  "src/daemon": [
    ...ground,
    "ffi",
    "src/check",
    "src/config",
    "src/datapath",
    "src/failover",
    "src/host",
    "src/model",
    "src/netlink",
    "src/peer",
    "src/process",
    "src/scheduler",
    "src/status",
    "src/vip-path",
    "nodemailer",
    platform,
  ],
  "src/cli": [
    ...ground,
    "src/config",
    "src/daemon",
    "src/host",
    "src/model",
    "src/status",
    platform,
  ],
  "src/main.ts": ["src/cli", "src/errors", "src/failover", platform],
};

/** Files that may do more than their folder, and why. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // Reading the configuration and the key files it names; everything else of config is pure.
  "src/config/load.ts": [platform],
  "src/config/load-heartbeat.ts": [platform],
  // A digest is a function of its text.
  "src/config/import/heartbeat/digest.ts": [platform],
};

/** Folders whose functions depend on their arguments only: no files, no clock, no process. */
const pureFolders = new Set([
  "src/errors",
  "src/net",
  "src/model",
  "src/scheduler",
  "src/vrrp",
  "src/config",
]);
const impure =
  /\b(?:Bun\.|process\.|Date\.now|performance\.|Math\.random|setTimeout|setInterval|fetch\()/;

/** Folders below which every file may be imported: each is a face of its own. */
const facesEverywhere = /^(?:ffi|src\/net)\//;

const importPattern =
  /(?:^|\n)\s*(?:import|export)\b(?:[^;"']*?\bfrom)?\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/g;

function folderOf(path: string): string {
  const [top, second] = path.split("/");
  return top === "src" && second !== undefined ? `src/${second}` : top!;
}

/** Every imported module: a path from the root, or the name of a package. */
function importsOf(file: string): string[] {
  const text = withoutComments(readText(file));
  return [...text.matchAll(importPattern)].map(([, from, dynamic]) => {
    const specifier = (from ?? dynamic)!;
    return specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier;
  });
}

function isLocal(target: string): boolean {
  return /^(?:src|ffi|test|bench)\//.test(target);
}

/** Package of a module, or the one name for all that the platform brings. */
function packageOf(target: string): string {
  if (target === "bun" || target.startsWith("node:")) return platform;
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

function faults(file: string): string[] {
  const folder = folderOf(file);
  const allowed = mayImport[folder];
  if (allowed === undefined) return [`${folder} is not in the table of this test`];
  return importsOf(file).flatMap((target) => {
    const name = isLocal(target) ? folderOf(target) : packageOf(target);
    const mine = new Set([folder, ...allowed, ...(exceptions[file] ?? [])]);
    if (mine.has(name) || mine.has(target)) return [];
    return [`${target} is not below ${folder}`];
  });
}

/** A folder is entered through its index.ts, by those outside of it. */
function sideDoors(file: string): string[] {
  return importsOf(file).filter((target) => {
    if (!isLocal(target) || facesEverywhere.test(target) || target.endsWith("/index.ts")) {
      return false;
    }
    for (
      let folder = dirname(target);
      folder !== "src" && folder !== ".";
      folder = dirname(folder)
    ) {
      const isOutside = !file.startsWith(`${folder}/`);
      const hasFace = existsSync(`${treeRoot}${folder}/index.ts`) || dirname(folder) === "src";
      if (isOutside && hasFace) return true;
    }
    return false;
  });
}

const files = listFiles("src/**/*.ts", "ffi/**/*.ts");

test("the pattern finds what is imported", () => {
  expect(importsOf("src/log/index.ts")).toEqual(["src/clock/index.ts"]);
});

test("the table names the folders that exist", () => {
  const folders = new Set(files.map(folderOf));
  expect([...folders].filter((folder) => mayImport[folder] === undefined)).toEqual([]);
});

describe.each(files)("%s", (file) => {
  test("imports only what its folder may", () => {
    expect(faults(file)).toEqual([]);
  });

  test("enters other folders through their index.ts", () => {
    expect(sideDoors(file)).toEqual([]);
  });
});

test.each(
  files.filter((file) => pureFolders.has(folderOf(file)) && exceptions[file] === undefined),
)("%s is pure", (file) => {
  const lines = withoutComments(readText(file)).split("\n");
  expect(lines.filter((line) => impure.test(line))).toEqual([]);
});

test("packaging and .ci run on plain Node, before anything is installed", () => {
  const foreign = listFiles("packaging/*.mjs", ".ci/*.mjs").flatMap((file) =>
    importsOf(file)
      .filter((target) => !target.startsWith("node:") && !/^(?:packaging|\.ci)\//.test(target))
      .map((target) => `${file} imports ${target}`),
  );
  expect(foreign).toEqual([]);
});
