import { describe, expect, test } from "bun:test";

import { figure, formatTable, median, medianRatio } from "../../../../bench/harness/statistics.ts";

describe("median()", () => {
  test.each([
    ["one value", [4], 4],
    ["an odd number", [9, 1, 5], 5],
    ["an even number", [1, 10, 2, 4], 3],
    ["none", [], Number.NaN],
  ])("of %s", (_name, values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test("does not reorder what it is given", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test("medianRatio() compares within a round", () => {
  // Rounds twice as slow for both sides; the ratio of sums would be another one.
  expect(medianRatio([10, 20, 40], [5, 10, 10])).toBe(2);
});

test.each([
  [1.005, 1, "1.0"],
  [17, 0, "17"],
  [Number.NaN, 2, "–"],
  [Number.POSITIVE_INFINITY, 2, "–"],
])("figure(%p, %p) is %p", (value, digits, expected) => {
  expect(figure(value, digits)).toBe(expected);
});

test("formatTable() aligns the columns of a Markdown table", () => {
  expect(
    formatTable([
      ["load", "µs"],
      ["close", "5.2"],
    ]),
  ).toBe("| load  | µs  |\n| ----- | --- |\n| close | 5.2 |");
});
