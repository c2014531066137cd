import { describe, expect, test } from "bun:test";

import {
  ConfigError,
  describeValue,
  formatPlace,
  formatProblem,
  formatWarning,
} from "../../../src/config/problem.ts";
import type { Problem } from "../../../src/config/problem.ts";

const problem: Problem = {
  file: "a.toml",
  line: 3,
  column: 5,
  path: "director.stop_timeout",
  expected: "a duration",
  found: "10",
  message: "Expected a duration",
};

describe("formatProblem()", () => {
  test("has file, line, path, what was expected and what was found", () => {
    expect(formatProblem(problem)).toBe(
      "a.toml:3: director.stop_timeout: Expected a duration, got 10",
    );
  });

  test("leaves out what is not known", () => {
    expect(formatProblem({ ...problem, line: 0, path: "" })).toBe(
      "a.toml: Expected a duration, got 10",
    );
  });
});

test("formatWarning() has file, line and path", () => {
  const warning = { file: "a.toml", line: 7, path: "x", message: "Hardly works" };
  expect(formatWarning(warning)).toBe("a.toml:7: x: Hardly works");
  expect(formatWarning({ ...warning, path: "" })).toBe("a.toml:7: Hardly works");
});

test("formatPlace() leaves out an unknown line", () => {
  expect([formatPlace("a", 1), formatPlace("a", 0)]).toEqual(["a:1", "a"]);
});

describe("describeValue()", () => {
  test.each([
    [undefined, "nothing"],
    ["x\ny", '"x\\ny"'],
    [5, "5"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [true, "true"],
    [[], "an empty list"],
    [[1], "a list"],
    [new Date(0), "a date"],
    [{ secret: "x" }, "a table"],
  ])("describes %p", (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  test("cuts long texts", () => {
    expect(describeValue("x".repeat(100))).toBe(`"${"x".repeat(60)}"… (100 characters)`);
  });
});

describe("ConfigError", () => {
  test("has a line for each problem, and counts the rest", () => {
    const error = new ConfigError([problem, problem], 7);
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.name).toBe("ConfigError");
    expect(error.problems).toHaveLength(2);
    expect(error.message.split("\n")).toEqual([
      "Cannot use the configuration:",
      "  a.toml:3: director.stop_timeout: Expected a duration, got 10",
      "  a.toml:3: director.stop_timeout: Expected a duration, got 10",
      "  and 7 more",
    ]);
  });
});
