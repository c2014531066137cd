import { expect, test } from "bun:test";

import {
  createJournal,
  tellProblem,
  tellWarning,
} from "../../../../../src/config/import/ldirectord/journal.ts";

test("tellProblem() keeps 200 and counts the others", () => {
  const journal = createJournal("a.cf");
  for (let line = 1; line <= 250; line++) {
    tellProblem(journal, { line, path: "x", expected: "y", found: "z" });
  }
  expect([journal.problems.length, journal.omitted]).toEqual([200, 50]);
  expect(journal.problems[0]).toEqual({
    file: "a.cf",
    line: 1,
    column: 0,
    path: "x",
    expected: "y",
    found: '"z"',
    message: "Expected y",
  });
});

test("tellProblem() shows no secret", () => {
  const journal = createJournal("a.cf");
  tellProblem(journal, { line: 1, path: "passwd", expected: "y", found: "hunter2" });
  expect(JSON.stringify(journal.problems)).not.toContain("hunter2");
});

test("tellWarning() keeps 1,000", () => {
  const journal = createJournal("a.cf");
  for (let line = 1; line <= 1001; line++) tellWarning(journal, { line, path: "", message: "m" });
  expect(journal.warnings).toHaveLength(1000);
});
