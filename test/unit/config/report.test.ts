import { describe, expect, test } from "bun:test";

import { parseDocument } from "../../../src/config/document.ts";
import { ConfigError, formatProblem, problemsMax } from "../../../src/config/problem.ts";
import { createReport } from "../../../src/config/report.ts";
import type { OpenReport } from "../../../src/config/report.ts";

const first = parseDocument("a = 1\nb = 2\n", "first.toml");
const second = parseDocument("c = 3\n", "second.toml");
const documents = [first, second];

function problemsOf(report: OpenReport): readonly string[] {
  try {
    report.finish(documents);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
}

describe("createReport()", () => {
  test("tells problems in the order of files and lines, whatever the order of finding", () => {
    const report = createReport();
    report.problem({ document: second, path: ["c"] }, { expected: "less", found: 3 });
    report.problem({ document: first, path: ["b"] }, { expected: "a text", found: 2 });
    report.problem({ document: first, path: ["a"] }, { expected: "more", foundText: "one" });
    expect(problemsOf(report)).toEqual([
      "first.toml:1: a: Expected more, got one",
      "first.toml:2: b: Expected a text, got 2",
      "second.toml:1: c: Expected less, got 3",
    ]);
  });

  test("puts a note and another place in brackets", () => {
    const report = createReport();
    const other = { document: second, path: ["c"] };
    report.problem({ document: first, path: ["a"] }, { expected: "x", note: "see", other });
    report.later({ document: first, path: ["b"] }, "flying", { expected: "feet", found: "wings" });
    expect(problemsOf(report)).toEqual([
      "first.toml:1: a: Expected x (see second.toml:1), got nothing",
      'first.toml:2: b: Expected feet (flying is not in this build yet), got "wings"',
    ]);
  });

  test("tells the same thing once", () => {
    const report = createReport();
    const place = { document: first, path: ["a"] };
    report.problem(place, { expected: "x", found: 1 });
    report.problem(place, { expected: "x", found: 1 });
    report.problem(place, { expected: "y", found: 1 });
    expect(problemsOf(report)).toHaveLength(2);
  });

  test("has its warnings, with lines, if there is no problem", () => {
    const report = createReport();
    report.warn({ document: second, path: ["c"] }, "Odd");
    report.warn({ document: first, path: ["b"] }, "Odd too");
    report.warn({ document: first, path: ["b"] }, "Odd too");
    expect(report.hasProblems()).toBe(false);
    expect(report.finish(documents)).toMatchObject([
      { file: "first.toml", line: 2, path: "b", message: "Odd too" },
      { file: "second.toml", line: 1, path: "c", message: "Odd" },
    ]);
  });

  test("tells where a text is no TOML, and nothing of one that is", () => {
    const report = createReport();
    report.syntax(first);
    expect(report.hasProblems()).toBe(false);
    report.syntax(parseDocument("a = 1\nb = \n", "first.toml"));
    expect(report.hasProblems()).toBe(true);
    expect(problemsOf(report)).toEqual([
      "first.toml:2: Expected valid TOML (invalid value), got the end of the line",
    ]);
  });

  test("counts what is too much to tell", () => {
    const report = createReport();
    for (let index = 0; index < problemsMax + 5; index++) {
      report.problem({ document: first, path: ["a", index] }, { expected: "x" });
    }
    expect(() => report.finish(documents)).toThrow(/and 5 more$/);
  });

  test("takes what the reader of another file has found, and joins warnings that are equal", () => {
    const cf = { ...parseDocument("", "a.cf"), origin: () => ({ line: 7, path: "real" }) };
    const where = { file: "a.cf", line: 3, path: "real" };
    const fault = { ...where, column: 0, expected: "x", found: "y", message: "Expected x" };
    const report = createReport();
    report.foreign({ problems: [], omitted: 0, warnings: [{ ...where, message: "doubtful" }] });
    for (const index of [0, 1, 2]) report.warn({ document: cf, path: [index] }, "odd");
    expect(report.hasProblems()).toBe(false);
    expect(report.finish([cf])).toEqual([
      { ...where, message: "doubtful" },
      { file: "a.cf", line: 7, column: 0, path: "real", message: "odd; and 2 more like this" },
    ] as never);
    report.foreign({ problems: [fault], omitted: 2, warnings: [] });
    expect(report.hasProblems()).toBe(true);
    const error = (() => {
      try {
        return report.finish([cf]);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ problems: [fault], omitted: 2 });
  });
});
