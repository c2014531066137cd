import { describe, expect, test } from "bun:test";

import { expandMacros } from "../../../../../src/config/import/keepalived/macro.ts";

const macros = new Map([
  ["NET", "192.0.2"],
  ["HOST", "${NET}.${LAST}"],
  ["LAST", "7"],
  ["LOOP", "x$LOOP"],
  ["LONG", "y".repeat(400)],
]);

describe("expandMacros()", () => {
  test.each([
    ["plain", "plain", []],
    ["$NET", "192.0.2", []],
    ["${NET}.1/24", "192.0.2.1/24", []],
    ["${HOST}", "192.0.2.7", []],
    ["$NONE", "$NONE", ["NONE"]],
    ["${NONE}", "${NONE}", ["NONE"]],
    ["${NONE:-eth0}", "eth0", ["NONE"]],
    ["$1 $", "$1 $", []],
  ])("makes %p %p", (word, text, missing) => {
    expect(expandMacros(word, macros)).toEqual({ text, missing });
  });

  test("ends for a value that has itself in it", () => {
    expect(expandMacros("$LOOP", macros).text).toBe("xxxx$LOOP");
  });

  test("lets no word grow above its bound", () => {
    const { text } = expandMacros("${LONG}".repeat(10), macros);
    expect(text.length).toBeLessThanOrEqual(1024);
    expect(text).toStartWith("yyyy");
    expect(text).toEndWith("${LONG}");
  });
});
