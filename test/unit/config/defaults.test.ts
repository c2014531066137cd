import { expect, test } from "bun:test";

import { withDefaults } from "../../../src/config/defaults.ts";

test("withDefaults() lays over what is defined, and nothing else", () => {
  const defaults = { a: 1, b: "x", c: false };
  expect(withDefaults(defaults, { a: 0, b: undefined, c: true })).toEqual({
    a: 0,
    b: "x",
    c: true,
  });
  expect(defaults).toEqual({ a: 1, b: "x", c: false });
});
