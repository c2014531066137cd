import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  configNameOf,
  pidFilePath,
  pidFilePaths,
  readPidFile,
  removePidFile,
  writePidFile,
} from "../../../../src/daemon/ldirectord/pid-file.ts";
import { endWithThisProcess } from "../../../helpers/process.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";
import { waitFor } from "../../../helpers/wait.ts";

test.each([
  ["/etc/ha.d/ldirectord.cf", "ldirectord"],
  ["/etc/ha.d/conf/ldirectord.cf", "ldirectord.cf"],
  ["/etc/ha.d/web.cf", "web.cf"],
  ["web.cf", "web.cf"],
])("configNameOf(%j)", (path, expected) => {
  expect(configNameOf(path)).toBe(expected);
});

test("pidFilePath() and pidFilePaths() name the files that scripts look for", () => {
  expect(pidFilePath("web.cf", {})).toBe("/var/run/ldirectord.web.cf.pid");
  expect(pidFilePath("web.cf", { APPLIANCE_PID_DIR: "/tmp/x" })).toBe(
    "/tmp/x/ldirectord.web.cf.pid",
  );
  expect(pidFilePaths("web.cf", {})).toEqual(["/var/run/ldirectord.web.cf.pid"]);
  expect(pidFilePaths("ldirectord", { APPLIANCE_PID_DIR: "" })).toEqual([
    "/var/run/ldirectord.ldirectord.pid",
    "/var/run/ldirectord.ldirectord.cf.pid",
  ]);
});

describe("readPidFile()", () => {
  test("finds no file, no process, and processes of others", () => {
    using folder = createTempFolder();
    const path = join(folder.path, "a.pid");
    expect(readPidFile(path)).toEqual({ state: "none" });
    for (const text of ["", "x", "999999999\n", "1\n"]) {
      writeFileSync(path, text);
      expect(readPidFile(path)).toEqual({ state: "stale" });
    }
  });

  test("finds a process whose command line has the word, and whose program it is", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "a.pid");
    const child = endWithThisProcess(
      Bun.spawn(["sh", "-c", "read x; true ldirectord"], { stdin: "pipe" }),
    );
    writeFileSync(path, `${child.pid}\n`);
    const running = { state: "running", pid: child.pid, isOurs: false } as const;
    await waitFor(() => readPidFile(path).state === "running", { what: "process" });
    expect(readPidFile(path)).toEqual(running);
    child.kill();
    await child.exited;
    expect(readPidFile(path)).toEqual({ state: "stale" });
  });
});

describe("writePidFile()", () => {
  test("replaces what is there and follows no link; removePidFile() takes back its own only", () => {
    using folder = createTempFolder();
    const [path, other] = [join(folder.path, "a.pid"), join(folder.path, "other")];
    writeFileSync(other, "keep");
    symlinkSync(other, path);
    writePidFile(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    expect(readFileSync(other, "utf8")).toBe("keep");
    writeFileSync(path, "1\n");
    removePidFile(path);
    expect(existsSync(path)).toBe(true);
    writePidFile(path);
    removePidFile(path);
    expect(existsSync(path)).toBe(false);
    removePidFile(path);
  });

  test("says which file it cannot write", () => {
    expect(() => writePidFile("/nonexistent/a.pid")).toThrow("Can not open /nonexistent/a.pid");
  });
});
