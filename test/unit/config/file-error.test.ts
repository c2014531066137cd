import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { errnoOf } from "../../../src/config/file-error.ts";

test("errnoOf() names the errno of a file error", () => {
  try {
    readFileSync(import.meta.dir);
  } catch (error) {
    expect(errnoOf(error)).toBe("EISDIR");
  }
  expect.assertions(1);
});

test("errnoOf() finds none in other errors", () => {
  const errors = [new Error("x"), "ENOENT", undefined, Object.assign(new Error("x"), { code: 5 })];
  expect(errors.map(errnoOf)).toEqual([undefined, undefined, undefined, undefined]);
});
