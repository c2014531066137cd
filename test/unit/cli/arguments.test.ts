import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { mentions, parseArguments, UsageError } from "../../../src/cli/arguments.ts";
import type { ArgumentSpec } from "../../../src/cli/arguments.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const seed = process.env["FUZZ_SEED"];
const parameters = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const spec: ArgumentSpec = {
  options: [
    { name: "numeric", short: "n" },
    { name: "save", short: "S" },
    { name: "tcp-service", short: "t", takesValue: true },
    { name: "timeout", takesValue: true },
  ],
  operandsMax: 2,
};

function parse(...args: string[]) {
  const given = parseArguments(args, spec);
  const flags = ["numeric", "save"].filter((name) => given.has(name));
  return [flags, given.values("tcp-service"), given.value("timeout"), given.operands];
}

describe("parseArguments", () => {
  test.each([
    [[], [[], [], undefined, []]],
    [["-n"], [["numeric"], [], undefined, []]],
    [["-nS"], [["numeric", "save"], [], undefined, []]],
    [
      ["--numeric", "a", "--save", "b"],
      [["numeric", "save"], [], undefined, ["a", "b"]],
    ],
    [
      ["-t", "x"],
      [[], ["x"], undefined, []],
    ],
    [["-tx"], [[], ["x"], undefined, []]],
    [["-ntx"], [["numeric"], ["x"], undefined, []]],
    [
      ["-nt", "-S"],
      [["numeric"], ["-S"], undefined, []],
    ],
    [
      ["-t", "x", "--tcp-service=y"],
      [[], ["x", "y"], undefined, []],
    ],
    [
      ["--timeout", "1s", "--timeout=2s"],
      [[], [], "2s", []],
    ],
    [["--timeout="], [[], [], "", []]],
    [["--timeout=a=b"], [[], [], "a=b", []]],
    [
      ["--", "-n", "--x"],
      [[], [], undefined, ["-n", "--x"]],
    ],
    [["-"], [[], [], undefined, ["-"]]],
  ] as [string[], unknown][])("%j", (args, expected) => {
    expect(parse(...args)).toEqual(expected as never);
  });

  test.each([
    [["--numberic"], 'Unknown option --numberic (did you mean "--numeric"?)'],
    [["--time", "1"], 'Unknown option --time (did you mean "--timeout"?)'],
    [["--zzz"], "Unknown option --zzz"],
    [["-x"], "Unknown option -x"],
    [["-nx"], "Unknown option -x"],
    [["--numeric=1"], "Expected no value for --numeric"],
    [["--timeout"], "Expected a value after --timeout"],
    [["-t"], "Expected a value after -t"],
    [["a", "b", "c"], "Unexpected c"],
  ] as [string[], string][])("%j is refused: %s", (args, message) => {
    expect(() => parse(...args)).toThrow(new UsageError(message));
  });

  test("asks for operands that are missing", () => {
    const needy = { options: [], operandsMin: 2, operandsMax: 2 };
    expect(() => parseArguments(["a"], needy)).toThrow("Expected 2 operands, got 1");
  });

  test("gives back or refuses whatever comes, and nothing else", () => {
    const word = fc.oneof(
      fc.constantFrom("-n", "-t", "--timeout", "--", "--tcp-service=", "-S"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (args) => {
        try {
          const given = parseArguments(args, { ...spec, operandsMax: 10 });
          for (const operand of given.operands) expect(args).toContain(operand);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      parameters,
    );
  });
});

test.each([
  [["--json"], true],
  [["a", "--json"], true],
  [["--", "--json"], false],
  [["--jsonx"], false],
] as [string[], boolean][])("mentions(%j) is %p", (args, expected) => {
  expect(mentions(args, "--json")).toBe(expected);
});
