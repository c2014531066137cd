import { expect, test } from "bun:test";

import { patternFault } from "../../../src/config/pattern.ts";

test.each(["Test Page", "(?i)ok", "\\AHTTP", "a{1000}", "[[:alpha:]]+\\z", "\\p{Greek}", "a|b*?"])(
  "patternFault() takes %s",
  (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  },
);

test.each([
  ["x(?=y)", "look-around is not possible in linear time"],
  ["x(?!y)", "look-around is not possible in linear time"],
  ["(?<=x)y", "look-around is not possible in linear time"],
  ["(a)\\1", "back references are not possible in linear time"],
  ["(?P<n>a)\\k<n>", "back references are not possible in linear time"],
  ["(?>a)", "atomic groups and possessive repeats do not exist in RE2"],
  ["a++", "atomic groups and possessive repeats do not exist in RE2"],
  ["(", "missing closing ): `(`"],
  ["a{1001}", "invalid repeat count: `{1001}`"],
  ["((a{100}){100}){100}", "invalid repeat count: `{100}`"],
  ["x".repeat(4097), "longer than 4096 characters"],
])("patternFault() says why %s cannot be used", (pattern, fault) => {
  expect(patternFault(pattern)).toBe(fault);
});
