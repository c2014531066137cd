import { describe, expect, test } from "bun:test";

import { parseLdirectord } from "../../../../../src/config/import/index.ts";
import {
  effectiveCheckPort,
  effectiveSettings,
} from "../../../../../src/config/import/ldirectord/index.ts";

function read(globals: string, members: string, head = "virtual=192.0.2.1:80") {
  const lines = members.split("\n").map((line) => `\t${line}`);
  const { config, ok } = parseLdirectord(`${globals}\n${head}\n${lines.join("\n")}\n`, "a.cf");
  expect(ok).toBe(true);
  return {
    virtual: config.virtuals[0]!,
    effective: effectiveSettings(config.virtuals[0]!, config.globals),
  };
}

describe("effectiveSettings()", () => {
  test.each([
    ["", "comment=x", 5, 30],
    ["checktimeout=3", "comment=x", 3, 3],
    ["negotiatetimeout=4", "comment=x", 4, 4],
    ["checktimeout=3\nnegotiatetimeout=4", "comment=x", 3, 4],
    ["checktimeout=3\nnegotiatetimeout=4", "checktimeout=1", 1, 1],
    ["checktimeout=3\nnegotiatetimeout=4", "negotiatetimeout=2", 2, 2],
    ["checktimeout=3", "checktimeout=1\nnegotiatetimeout=2", 1, 2],
  ])("of %j and %j are the timeouts %i and %i", (globals, members, check, negotiate) => {
    const { effective } = read(globals, members);
    expect([effective.checktimeout, effective.negotiatetimeout]).toEqual([check, negotiate]);
  });

  test("are those of the program where nothing is said", () => {
    expect(read("", "comment=x").effective).toEqual({
      checktimeout: 5,
      negotiatetimeout: 30,
      checkinterval: 10,
      checkcount: 1,
      failurecount: 1,
      quiescent: false,
      cleanstop: true,
      fallback: undefined,
      fallbackcommand: undefined,
    });
  });

  test("take those of the virtual service first", () => {
    const globals = "quiescent=yes\nfailurecount=3\nfallback=127.0.0.1\nfallbackcommand=/bin/a";
    expect(read(globals, "comment=x").effective).toMatchObject({
      quiescent: true,
      failurecount: 3,
      fallback: { host: "127.0.0.1", port: 80, forward: "gate" },
      fallbackcommand: "/bin/a",
    });
    const members = "quiescent=no\nfailurecount=1\nfallback=192.0.2.9:8080 masq";
    expect(read(globals, members).effective).toMatchObject({
      quiescent: false,
      failurecount: 1,
      fallback: { host: "192.0.2.9", port: 8080, forward: "masq" },
    });
  });

  test("give a mark no fallback of the file", () => {
    expect(read("fallback=127.0.0.1:80", "comment=x", "virtual=1").effective.fallback).toBe(
      undefined,
    );
  });
});

describe("effectiveCheckPort()", () => {
  test.each([
    ["virtual=192.0.2.1:80", "real=192.0.2.11:8080 masq", 8080],
    ["virtual=192.0.2.1:80", "checkport=81\nreal=192.0.2.11:8080 masq", 81],
    ["virtual=1", "service=http\nreal=192.0.2.11 gate", 80],
    ["virtual=1", "real=192.0.2.11 gate", 0],
  ])("of %j and %j is %i", (head, members, port) => {
    const { virtual } = read("", members, head);
    expect(effectiveCheckPort(virtual, virtual.reals[0]!)).toBe(port);
  });
});
