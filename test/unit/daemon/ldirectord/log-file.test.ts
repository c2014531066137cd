import { describe, expect, test } from "bun:test";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

import {
  createLdirectordLog,
  formatLocalTime,
  formatSyslog,
} from "../../../../src/daemon/ldirectord/log-file.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

const wallMs = new Date(2026, 10, 2, 2, 8, 5).getTime();
const common = { configName: "t1.cf", pid: 42, wallMs: () => wallMs };

test.each([
  [new Date(2026, 10, 22, 2, 58, 50), "Sun Nov 22 02:58:50 2026"],
  [new Date(2026, 0, 1, 0, 0, 0), "Thu Jan  1 00:00:00 2026"],
  [new Date(2027, 11, 31, 23, 59, 59), "Fri Dec 31 23:59:59 2027"],
])("formatLocalTime(%p)", (date, expected) => {
  expect(formatLocalTime(date.getTime())).toBe(expected);
});

test.each([
  ["daemon", "<30>Nov  2 02:08:05 ldirectord[42]: text"],
  ["local0", "<134>Nov  2 02:08:05 ldirectord[42]: text"],
  ["LOG_LOCAL7", "<190>Nov  2 02:08:05 ldirectord[42]: text"],
  ["unheard-of", "<30>Nov  2 02:08:05 ldirectord[42]: text"],
])("formatSyslog to %s", (facility, expected) => {
  expect(formatSyslog("text", { facility, pid: 42, wallMs })).toBe(expected);
});

describe("createLdirectordLog()", () => {
  test("appends whole lines to a file, and opens it anew each time", () => {
    using folder = createTempFolder();
    const target = join(folder.path, "a.log");
    const log = createLdirectordLog({ ...common, target, stderr: () => undefined });
    log.write("one", "two\nlines");
    renameSync(target, `${target}.1`);
    log.write();
    log.write("three");
    const head = "[Mon Nov  2 02:08:05 2026|t1.cf|42] ";
    expect(readFileSync(`${target}.1`, "utf8")).toBe(`${head}one\n${head}two lines\n`);
    expect(readFileSync(target, "utf8")).toBe(`${head}three\n`);
  });

  test("writes to an output of the process without name and number", () => {
    let text = "";
    const output = (more: string): void => void (text += more);
    createLdirectordLog({ ...common, target: { output }, stderr: output }).write("one");
    expect(text).toBe("[Mon Nov  2 02:08:05 2026] one\n");
  });

  test("cuts what is too long for a line", () => {
    let text = "";
    const output = (more: string): void => void (text += more);
    createLdirectordLog({ ...common, target: { output }, stderr: output }).write("x".repeat(9000));
    expect(text).toHaveLength("[Mon Nov  2 02:08:05 2026] ".length + 2000 + 1);
  });

  test("sends each line to syslog", () => {
    const sent: string[] = [];
    const sendSyslog = (message: string): void => void sent.push(message);
    const log = createLdirectordLog({
      ...common,
      target: "local0",
      stderr: () => undefined,
      sendSyslog,
    });
    log.write("one", "two");
    expect(sent).toEqual([
      "<134>Nov  2 02:08:05 ldirectord[42]: one",
      "<134>Nov  2 02:08:05 ldirectord[42]: two",
    ]);
  });

  test("tells once that it cannot write", () => {
    const told: string[] = [];
    const stderr = (text: string): void => void told.push(text);
    const log = createLdirectordLog({ ...common, target: "/nonexistent/a.log", stderr });
    log.write("one");
    log.write("two");
    expect(told).toHaveLength(1);
    expect(told[0]).toStartWith("Cannot log to /nonexistent/a.log: ENOENT");
  });
});
