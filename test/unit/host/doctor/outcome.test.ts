import { expect, test } from "bun:test";

import { judgeAll, note, ok, unknown, wrong } from "../../../../src/host/doctor/outcome.ts";

test("judgeAll() names each outcome by its check, in the order of the table", () => {
  const checks = [
    { id: "first", judge: (count: number) => Array.from({ length: count }, () => ok("fine")) },
    { id: "second", judge: () => [wrong("bad", "mend it"), note("so"), unknown("no right")] },
  ];
  expect(judgeAll(checks, 2)).toEqual([
    { id: "first", state: "ok", text: "fine" },
    { id: "first", state: "ok", text: "fine" },
    { id: "second", state: "wrong", text: "bad", remedy: "mend it" },
    { id: "second", state: "note", text: "so" },
    { id: "second", state: "unknown", text: "no right" },
  ]);
});
