import { describe, expect, test } from "bun:test";

import { ownCommand, programPath } from "../../../../src/daemon/upgrade/program-path.ts";

const links: Readonly<Record<string, string>> = {
  "/usr/sbin/appliance": "/usr/sbin/appliance",
  "/opt/current/appliance": "/opt/1.2.3/appliance",
  "/opt/1.2.3/appliance": "/opt/1.2.3/appliance",
};
const realpath = (path: string): string => {
  const found = links[path];
  if (found === undefined) throw new Error("ENOENT");
  return found;
};

describe("programPath()", () => {
  test.each([
    ["a path", "/usr/sbin/appliance", "/usr/sbin/appliance", "/usr/sbin/appliance"],
    [
      "a link, which may lead elsewhere later",
      "/opt/current/appliance",
      "/opt/1.2.3/appliance",
      "/opt/current/appliance",
    ],
    ["a name found by PATH", "appliance", "/usr/sbin/appliance", "/usr/sbin/appliance"],
    ["a name that is no file", "/nonexistent", "/usr/sbin/appliance", "/usr/sbin/appliance"],
    [
      "the name of another program",
      "/opt/current/appliance",
      "/usr/sbin/appliance",
      "/usr/sbin/appliance",
    ],
    [
      "a file that was replaced",
      "appliance",
      "/usr/sbin/appliance (deleted)",
      "/usr/sbin/appliance",
    ],
  ])("called by %s", (_what, argv0, execPath, expected) => {
    expect(programPath({ argv0, execPath }, realpath)).toBe(expected);
  });
});

test("ownCommand() from source is the script run by the runtime", () => {
  const [runtime, script, ...args] = ownCommand(["run", "-c", "a.toml"]);
  expect(runtime).toStartWith("/");
  expect(script).toBe(Bun.main);
  expect(args).toEqual(["run", "-c", "a.toml"]);
});
