import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  refusalOfMode,
  refusalOfProgram,
  refusalOfScript,
} from "../../../src/process/program-file.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

describe("refusalOfMode()", () => {
  test.each([
    ["root's own file", { mode: 0o755, uid: 0, gid: 0 }, undefined],
    ["a trusted user's file", { mode: 0o700, uid: 990, gid: 1 }, undefined],
    ["root's group may write", { mode: 0o775, uid: 0, gid: 0 }, undefined],
    ["a sticky folder", { mode: 0o1777, uid: 0, gid: 0 }, undefined],
    ["a stranger's file", { mode: 0o755, uid: 1000, gid: 0 }, "it belongs to user 1000"],
    ["everybody may write", { mode: 0o757, uid: 0, gid: 0 }, "everybody can write it"],
    ["a group may write", { mode: 0o775, uid: 0, gid: 50 }, "group 50 can write it"],
    ["a stranger's sticky folder", { mode: 0o1777, uid: 7, gid: 0 }, "it belongs to user 7"],
  ])("%s", (_name, mode, expected) => {
    expect(refusalOfMode(mode, [990])).toBe(expected);
  });
});

describe("refusalOfProgram()", () => {
  const own = [process.getuid!()];

  test("lets a program run that only its owner can write", () => {
    using folder = createTempFolder();
    const path = join(folder.path, "check");
    writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 });
    expect(refusalOfProgram(path, own)).toBeUndefined();
  });

  test("refuses what everybody can write, also by its folder", () => {
    using folder = createTempFolder();
    const inner = join(folder.path, "open");
    mkdirSync(inner);
    const path = join(inner, "check");
    writeFileSync(path, "#!/bin/sh\n");
    chmodSync(path, 0o777);
    expect(refusalOfProgram(path, own)).toContain("everybody can write it");
    chmodSync(path, 0o755);
    chmodSync(inner, 0o777);
    expect(refusalOfProgram(path, own)).toEndWith(`everybody can write it (${inner})`);
  });

  test("refuses a sticky file that everybody can write", () => {
    using folder = createTempFolder();
    const path = join(folder.path, "check");
    writeFileSync(path, "");
    chmodSync(path, 0o1777);
    expect(refusalOfProgram(path, own)).toContain("everybody can write it");
  });

  test.each([
    ["a folder", "/etc", "/etc is not a file"],
    ["no executable", "/etc/passwd", "/etc/passwd is not executable"],
    ["nothing", "/nonexistent/x", "ENOENT"],
  ])("refuses %s", (_name, path, expected) => {
    expect(refusalOfProgram(path, own)).toContain(expected);
  });
});

describe("refusalOfScript()", () => {
  const own = [process.getuid!()];

  test("takes a file that is not executable, and only its owner can write", () => {
    using folder = createTempFolder();
    const path = join(folder.path, "check.pl");
    writeFileSync(path, "1;", { mode: 0o644 });
    expect(refusalOfScript(path, own)).toBeUndefined();
    chmodSync(path, 0o666);
    expect(refusalOfScript(path, own)).toBe(`${path} is not safe to run: everybody can write it`);
  });

  test.each([
    ["/nonexistent/x", "ENOENT"],
    ["/etc", "/etc is not a file"],
  ])("refuses %s", (path, expected) => {
    expect(refusalOfScript(path, own)).toContain(expected);
  });
});
