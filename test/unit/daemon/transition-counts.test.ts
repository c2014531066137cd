import { expect, test } from "bun:test";

import { TransitionCounts } from "../../../src/daemon/transition-counts.ts";

test("TransitionCounts counts by state and cause, and forgets routers that are gone", () => {
  const counts = new TransitionCounts();
  counts.note("web", "backup", "startup");
  counts.note("web", "active", "silence");
  counts.note("web", "backup", "standby");
  counts.note("web", "active", "silence");
  counts.note("mail", "backup", "startup");
  expect(counts.of("web")).toEqual([
    { to: "backup", cause: "startup", count: 1 },
    { to: "active", cause: "silence", count: 2 },
    { to: "backup", cause: "standby", count: 1 },
  ]);
  expect(counts.of("none")).toEqual([]);
  counts.keepOnly(new Set(["mail"]));
  expect([counts.of("web").length, counts.of("mail").length]).toEqual([0, 1]);
});
