import { describe, expect, test } from "bun:test";

import {
  isInterfaceName,
  isNodeName,
  parsePrefixBits,
  parseSwitch,
  parseTimeMs,
  resolveAddress,
} from "../../../../../src/config/import/heartbeat/value.ts";

describe("parseTimeMs()", () => {
  test.each([
    ["2", 2000],
    ["0.5", 500],
    [".25", 250],
    ["1500ms", 1500],
    ["1500MS", 1500],
    ["20000us", 20],
    ["30s", 30_000],
    ["2m", 120_000],
    ["0", 0],
    ["", undefined],
    ["-1", undefined],
    ["2 s", undefined],
    ["1d", undefined],
    ["two", undefined],
    ["999999999999", undefined],
    ["2__proto__", undefined],
    ["2constructor", undefined],
  ])("%j is %p ms", (text, expected) => {
    expect(parseTimeMs(text)).toBe(expected);
  });
});

describe("parseSwitch()", () => {
  test.each([
    ["on", true],
    ["Yes", true],
    ["1", true],
    ["y", true],
    ["true", true],
    ["off", false],
    ["no", false],
    ["0", false],
    ["legacy", undefined],
    ["", undefined],
  ])("%j is %p", (text, expected) => {
    expect(parseSwitch(text)).toBe(expected);
  });
});

describe("isInterfaceName()", () => {
  test.each([
    ["eth0", true],
    ["enp0s3.100", true],
    ["eth0:0", false],
    ["8", false],
    ["192.0.2.255", false],
    ["", false],
    ["a-name-too-long-1", false],
    ["a/b", false],
  ])("%j: %p", (text, expected) => {
    expect(isInterfaceName(text)).toBe(expected);
  });
});

describe("isNodeName()", () => {
  test.each([
    ["loadb1", true],
    ["Web_MySQL_M1", true],
    ["ha1.example.com", true],
    ["<%=", false],
    ["{{", false],
    ["", false],
    ["-a", false],
  ])("%j: %p", (text, expected) => {
    expect(isNodeName(text)).toBe(expected);
  });
});

describe("parsePrefixBits()", () => {
  test.each([
    ["24", 32, 24],
    ["0", 32, 0],
    ["33", 32, undefined],
    ["64", 128, 64],
    ["129", 128, undefined],
    ["255.255.255.0", 32, 24],
    ["255.255.255.255", 32, 32],
    ["0.0.0.0", 32, 0],
    ["255.0.255.0", 32, undefined],
    ["255.255.255.0", 128, undefined],
    ["", 32, undefined],
    ["eth0", 32, undefined],
  ] as const)("%j of %i is %p", (text, bitsMax, expected) => {
    expect(parsePrefixBits(text, bitsMax)).toBe(expected);
  });
});

test("resolveAddress() takes an address, or a name of the table in any case", () => {
  const table = new Map([["lb2", "192.0.2.2"]]);
  expect(resolveAddress("2001:DB8::1", table)).toBe("2001:db8::1");
  expect(resolveAddress("LB2", table)).toBe("192.0.2.2");
  expect(resolveAddress("lb3", table)).toBeUndefined();
});
