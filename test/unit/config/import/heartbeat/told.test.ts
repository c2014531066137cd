import { expect, test } from "bun:test";

import { createTold } from "../../../../../src/config/import/heartbeat/told.ts";

test("createTold() collects warnings and problems, and counts those above its bound", () => {
  const told = createTold();
  told.warn({ file: "a", line: 1 }, "one");
  for (let line = 1; line <= 201; line++) told.refuse({ file: "a", line }, "that", "this");
  told.pass([], 3);
  const { problems, omitted } = told.refused();
  expect(told.finish("a").warnings).toEqual([{ file: "a", line: 1, message: "one" }]);
  expect(problems).toHaveLength(200);
  expect(problems[0]).toEqual({
    file: "a",
    line: 1,
    column: 0,
    path: "",
    expected: "that",
    found: "this",
    message: "Expected that",
  });
  expect(omitted).toBe(4);
});
