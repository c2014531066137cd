import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createOverrideStore } from "../../../src/daemon/override-store.ts";
import type { Overrides } from "../../../src/daemon/overrides.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const overrides: Overrides = new Map([
  [
    "web\n192.0.2.1:80",
    { admin: "draining", kill: false, weight: undefined, by: "uid 0", at: "T" },
  ],
]);

describe("createOverrideStore()", () => {
  test("loads what was saved, by another instance", async () => {
    using folder = createTempFolder();
    const state = join(folder.path, "new", "state");
    expect(await createOverrideStore(state).save(overrides, 3)).toBeUndefined();
    expect(await createOverrideStore(state).load()).toEqual({
      overrides,
      revision: 3,
      warning: undefined,
    });
    expect(readdirSync(state)).toEqual(["overrides.json"]);
  });

  test("starts empty without a file, and makes none", async () => {
    using folder = createTempFolder();
    const loaded = await createOverrideStore(folder.path).load();
    expect(loaded).toEqual({ overrides: new Map(), revision: 0, warning: undefined });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("a left-over of an interrupted save does no harm", async () => {
    using folder = createTempFolder();
    writeFileSync(join(folder.path, "overrides.json.new"), '{ "version": 1, "ov');
    const store = createOverrideStore(folder.path);
    expect((await store.load()).warning).toBeUndefined();
    expect(await store.save(overrides, 3)).toBeUndefined();
    expect((await store.load()).overrides).toEqual(overrides);
  });

  test("sets a damaged file aside and says so", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "overrides.json");
    writeFileSync(path, "{ damaged");
    const { overrides: found, warning } = await createOverrideStore(folder.path).load();
    expect(found.size).toBe(0);
    expect(warning).toBe(
      `Cannot use ${path}: it is not JSON; it is now ${path}.damaged, no override is in force`,
    );
    expect(readFileSync(`${path}.damaged`, "utf8")).toBe("{ damaged");
    expect(existsSync(path)).toBe(false);
  });

  test("a file that cannot be read is a warning", async () => {
    using folder = createTempFolder();
    mkdirSync(join(folder.path, "overrides.json"));
    const { overrides: found, warning } = await createOverrideStore(folder.path).load();
    expect(found.size).toBe(0);
    expect(warning).toContain("EISDIR");
  });

  test("says why it cannot keep them", async () => {
    using folder = createTempFolder();
    const notAFolder = join(folder.path, "file");
    writeFileSync(notAFolder, "");
    const reason = await createOverrideStore(join(notAFolder, "state")).save(overrides, 3);
    expect(reason).toContain("ENOTDIR");
  });
});
