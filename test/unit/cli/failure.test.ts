import { expect, test } from "bun:test";

import { UsageError } from "../../../src/cli/arguments.ts";
import { exitStatusOf, formatErrorJson, formatErrorText } from "../../../src/cli/failure.ts";
import { ApplianceError } from "../../../src/errors/index.ts";

test.each([
  ["CONFIG_INVALID", 65],
  ["CONFIG_FILE_MISSING", 66],
  ["CONFIG_FILE_PERMISSION", 77],
  ["CONTROL_NOT_RUNNING", 69],
  ["CONTROL_PERMISSION", 77],
  ["CONTROL_ANSWER", 70],
  ["SERVER_UNKNOWN", 65],
  ["CHANGES_WAIT", 75],
  ["ANY_OTHER", 69],
])("exitStatusOf %s is %d", (code, expected) => {
  expect<number>(exitStatusOf(new ApplianceError(code, "No"))).toBe(expected);
});

test("exitStatusOf a wrong command line is 64, of a bug 70", () => {
  expect<number>(exitStatusOf(new UsageError("No"))).toBe(64);
  expect<number>(exitStatusOf(new TypeError("bug"))).toBe(70);
  expect<number>(exitStatusOf("thrown text")).toBe(70);
});

test("formatErrorJson has code and message", () => {
  expect(formatErrorJson(new UsageError("No"))).toBe(
    '{"error":{"code":"CLI_USAGE","message":"No"}}\n',
  );
  expect(JSON.parse(formatErrorJson(new TypeError("bug"))).error.code).toBe("INTERNAL");
});

test("formatErrorText shows the stack of a bug only", () => {
  expect(formatErrorText("list", new UsageError("No"))).toBe("appliance list: No\n");
  expect(formatErrorText("list", new TypeError("bug"))).toContain("failure.test.ts");
  expect(formatErrorText("list", "thrown text")).toBe("appliance list: thrown text\n");
});
