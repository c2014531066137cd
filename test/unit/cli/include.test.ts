import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readIncluded } from "../../../src/cli/include.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "include-"));
  mkdirSync(join(folder, "conf.d", "folder.conf"), { recursive: true });
  writeFileSync(join(folder, "conf.d", "b.conf"), "b");
  writeFileSync(join(folder, "conf.d", "a.conf"), "a");
  writeFileSync(join(folder, "conf.d", "c.old"), "c");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("readIncluded() reads what matches beside the file, sorted, and no folders", () => {
  const found = readIncluded("conf.d/*.conf", join(folder, "main.conf"));
  expect(found).toEqual([
    { file: join(folder, "conf.d", "a.conf"), text: "a" },
    { file: join(folder, "conf.d", "b.conf"), text: "b" },
  ]);
});

test("readIncluded() reads an absolute path", () => {
  const path = join(folder, "conf.d", "c.old");
  expect(readIncluded(path, "/nowhere/main.conf")).toEqual([{ file: path, text: "c" }]);
});

test("readIncluded() finds nothing where nothing is", () => {
  expect(readIncluded("none/*.conf", join(folder, "main.conf"))).toEqual([]);
  expect(readIncluded("none.conf", join(folder, "main.conf"))).toEqual([]);
});
