import { expect, test } from "bun:test";

import { suggest, suggestNote } from "../../../src/config/suggest.ts";

const known = ["scheduler", "real_servers", "timeouts", "check", "allow", "quorum_up"];

test.each([
  ["schedular", "scheduler"],
  ["shceduler", "scheduler"],
  ["realServers", "real_servers"],
  ["real-server", "real_servers"],
  ["QUORUM-UP", "quorum_up"],
  ["timeout", "timeouts"],
  ["servers", "real_servers"],
  ["checkinterval", "check"],
  ["alow", "allow"],
])("suggest() takes %s for %s", (word, expected) => {
  expect(suggest(word, known)).toBe(expected);
});

test.each(["", "x", "weight", "deny", "a".repeat(65), "s".repeat(64)])(
  "suggest() knows nothing near %p",
  (word) => {
    expect(suggest(word, known)).toBeUndefined();
  },
);

test("suggestNote() asks", () => {
  expect(suggestNote("chek", known)).toBe('did you mean "check"?');
  expect(suggestNote("weight", known)).toBeUndefined();
});
