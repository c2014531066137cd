import { describe, expect, test } from "bun:test";

import {
  ipv4ToWord,
  isResolved,
  readHost,
  readHostTable,
  wordToIpv4,
} from "../../../../../src/config/import/ldirectord/host.ts";

const table = readHostTable(
  "# hosts\n192.0.2.1 One one.example # first\n192.0.2.2 one\n::1 one\nnonsense two\n",
);

describe("readHost()", () => {
  test.each([
    ["192.0.2.9", 4, "192.0.2.9", undefined],
    ["10.1", 4, "10.0.0.1", undefined],
    ["5060", 4, "0.0.19.196", undefined],
    ["010.0.0.1", 4, "8.0.0.1", undefined],
    ["one", 4, "192.0.2.1", "one"],
    ["ONE", 6, "::1", "ONE"],
    ["one.example", 4, "192.0.2.1", "one.example"],
    ["two", 4, "two", "two"],
    ["2001:DB8::1", 6, "2001:db8::1", undefined],
  ] as const)("%s of IPv%i is %s", (text, family, host, name) => {
    expect(readHost(text, family, table)).toEqual({ host, name });
  });

  test.each([
    ["192.0.2.256", 4],
    ["256.1", 4],
    ["1.2.3.4.5", 4],
    ["08.0.0.1", 4],
    ["4294967296", 4],
    ["a b", 4],
    ["", 4],
    ["192.0.2.1", 6],
    ["a".repeat(254), 4],
  ] as const)("%j of IPv%i is none", (text, family) => {
    expect(readHost(text, family, table)).toBeUndefined();
  });
});

test("isResolved() tells addresses from names", () => {
  expect(isResolved({ host: "192.0.2.1", name: "one" })).toBe(true);
  expect(isResolved({ host: "two", name: "two" })).toBe(false);
});

test("ipv4ToWord() and wordToIpv4() undo each other", () => {
  expect(ipv4ToWord("192.0.2.1")).toBe(3_221_225_985);
  expect(wordToIpv4(3_221_225_985)).toBe("192.0.2.1");
});
