import { describe, expect, test } from "bun:test";

import { createJournal } from "../../../../../src/config/import/ldirectord/journal.ts";
import {
  readFlag,
  readInteger,
  readQuoted,
  readText,
  readWord,
} from "../../../../../src/config/import/ldirectord/value.ts";
import type { Reading } from "../../../../../src/config/import/ldirectord/value.ts";

function createReading(): Reading {
  const hosts = { ipv4: new Map(), ipv6: new Map() };
  const journal = createJournal("a.cf");
  return { journal, ports: new Map(), hosts, hostName: "localhost", realsLeft: 10 };
}

describe("values", () => {
  test.each([
    ["readFlag", "yes", true, 0],
    ["readFlag", "Yes", undefined, 1],
    ["readQuoted", '"a" b', "a", 0],
    ["readQuoted", '"a "b" c"', 'a "b" c', 0],
    ["readQuoted", "a", undefined, 1],
    ["readText", '"a b"', "a b", 0],
    ["readText", "a b", "a b", 0],
    ["readText", '""', undefined, 1],
  ] as const)("%s() of %s is %p", (name, value, expected, problems) => {
    const reading = createReading();
    const reader = { readFlag, readQuoted, readText }[name];
    expect(reader(reading, { line: 1, key: "k", value })).toBe(expected);
    expect(reading.journal.problems).toHaveLength(problems);
  });

  test("readInteger() takes the first digits, and says so", () => {
    const reading = createReading();
    const range = { min: 0, max: 100, what: "a number" };
    expect(readInteger(reading, { line: 1, key: "k", value: "x12 3" }, range)).toBe(12);
    expect(reading.journal.warnings.map(({ message }) => message)).toEqual([
      "Read as 12, as ldirectord does",
    ]);
    expect(readInteger(reading, { line: 1, key: "k", value: "101" }, range)).toBeUndefined();
    expect(readInteger(reading, { line: 1, key: "k", value: undefined }, range)).toBeUndefined();
    expect(reading.journal.problems).toHaveLength(2);
  });

  test("readWord() suggests the nearest", () => {
    const reading = createReading();
    readWord(reading, { line: 1, key: "k", value: "negotiat" }, ["negotiate", "off"]);
    expect(reading.journal.problems[0]!.message).toBe(
      'Expected "negotiate" or "off" (did you mean "negotiate"?)',
    );
  });
});
