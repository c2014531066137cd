import { describe, expect, test } from "bun:test";

import { findConfig, readCommandLine } from "../../../../src/cli/ldirectord/command-line.ts";

describe("readCommandLine()", () => {
  const wrong = { kind: "wrong" } as const;
  const verb = (name: string, more: object = {}) => ({
    kind: "verb",
    verb: name,
    config: undefined,
    isDebug: false,
    daemonName: undefined,
    ...more,
  });
  test.each<[string, object]>([
    ["start", verb("start")],
    ["web.cf stop", verb("stop", { config: "web.cf" })],
    ["-d web.cf start", verb("start", { config: "web.cf", isDebug: true })],
    ["--debug start", verb("start", { isDebug: true })],
    ["-- web.cf try-restart", verb("try-restart", { config: "web.cf" })],
    ["-d -- force-reload", verb("force-reload", { isDebug: true })],
    ["--daemon-of=a.cf /x/a.cf start", verb("start", { config: "/x/a.cf", daemonName: "a.cf" })],
    ["status restart", verb("restart", { config: "status" })],
    ["-h", { kind: "help" }],
    ["-?", { kind: "help" }],
    ["--help start", { kind: "help" }],
    ["-v", { kind: "version" }],
    ["--version", { kind: "version" }],
    ["", wrong],
    ["web.cf", wrong],
    ["web.cf begin", wrong],
    ["start web.cf", wrong],
    ["a b start", wrong],
    ["-x start", wrong],
    ["--", wrong],
  ])("%j", (line, expected) => {
    expect(readCommandLine(line.split(" ").filter(Boolean))).toEqual(expected as never);
  });
});

describe("findConfig()", () => {
  test.each([
    [undefined, ["/etc/ha.d/ldirectord.cf"], "/etc/ha.d/ldirectord.cf", "ldirectord"],
    ["ldirectord.cf", ["/etc/ha.d/ldirectord.cf"], "/etc/ha.d/ldirectord.cf", "ldirectord"],
    [
      "/etc/ha.d/ldirectord.cf",
      ["/etc/ha.d/ldirectord.cf"],
      "/etc/ha.d/ldirectord.cf",
      "ldirectord",
    ],
    [undefined, ["/etc/ha.d/conf/ldirectord.cf"], "/etc/ha.d/conf/ldirectord.cf", "ldirectord"],
    ["web.cf", ["/etc/ha.d/conf/web.cf", "web.cf"], "/etc/ha.d/conf/web.cf", "web.cf"],
    ["web.cf", ["/etc/ha.d/web.cf", "/etc/ha.d/conf/web.cf"], "/etc/ha.d/web.cf", "web.cf"],
    ["dir/web.cf", ["dir/web.cf"], "dir/web.cf", "web.cf"],
  ])("%p where %j exist", (config, existing, path, name) => {
    const isFile = (one: string): boolean => existing.includes(one);
    expect(findConfig(config, isFile)).toEqual({ path, name });
  });

  test("gives back the name that is nowhere", () => {
    expect(findConfig("web.cf", () => false)).toBe("web.cf");
    expect(findConfig(undefined, () => false)).toBe("ldirectord.cf");
  });
});
