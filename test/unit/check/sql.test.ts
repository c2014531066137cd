/**
 * What rows say; the whole check stands in test/integration/check-database.test.ts.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { compilePattern } from "../../../src/check/body-search.ts";
import { judgeRows, rowTexts } from "../../../src/check/sql.ts";

test.each([
  [[], []],
  [[{ a: 1, b: "x", c: null }], [["1", "x", "null"]]],
  [[{ at: new Date(0) }], [["1970-01-01T00:00:00.000Z"]]],
  [[{ a: "12345678901234" }], [["12345678901234"]]],
  // Two statements.
  [
    [[{ a: 1 }], [{ a: 2 }]],
    [["1"], ["2"]],
  ],
  [[[], []], []],
  [undefined, []],
  [[null], [[]]],
])("rowTexts() of %j is %j", (result, expected) => {
  expect(rowTexts(result)).toEqual(expected);
});

describe("judgeRows()", () => {
  const request = "SELECT 1";

  test.each([
    [undefined, [["1"]], undefined],
    [undefined, [], "no-match: no row for SELECT 1"],
    ["^2$", [["1"], ["x", "2"]], undefined],
    ["^2$", [["1"], ["12"]], "no-match: ^2$ is in none of 2 rows"],
    ["1.*x", [["1", "x"]], "no-match: 1.*x is in none of 1 rows"],
  ])("with %p of %j is %p", async (receive, rows, expected) => {
    const pattern = receive === undefined ? undefined : await compilePattern(receive);
    const failure = judgeRows({ request, receive }, rows, pattern);
    expect(failure && `${failure.reason}: ${failure.detail}`).toBe(expected);
  });
});
