import { describe, expect, test } from "bun:test";

import {
  causeText,
  isAnswering,
  ownerText,
  resourcesText,
} from "../../../src/status/failover-text.ts";
import type { VirtualRouterSnapshot } from "../../../src/status/index.ts";
import { causeNames } from "../../../src/vrrp/index.ts";
import { failoverSnapshot } from "../../helpers/fake-status-source.ts";

const nowMs = Date.parse("2026-03-01T10:01:00.000Z");

function heard(priority: number, at: string): VirtualRouterSnapshot["heard"] {
  return { address: "192.0.2.3", priority, at: `2026-03-01T10:00:${at}Z` };
}

function router(changes: Partial<VirtualRouterSnapshot> = {}): VirtualRouterSnapshot {
  return failoverSnapshot(changes).routers[0]!;
}

test.each([
  ["active with a lease", {}, "this director"],
  ["active without one", { leaseRemainingMs: 0 }, "nobody here: the lease ran out"],
  ["backup", { state: "backup", heard: heard(200, "59.000") }, "192.0.2.3"],
  ["backup that heard nobody", { state: "backup" }, "not known: nobody was heard"],
  [
    "backup that heard one resign",
    { state: "backup", heard: heard(0, "59.900") },
    "not known: 192.0.2.3 resigned",
  ],
  [
    "backup after long silence",
    { state: "backup", heard: heard(200, "54.000") },
    "not known: 192.0.2.3 fell silent",
  ],
  ["stopped", { state: "initialize", heard: heard(200, "59.000") }, "192.0.2.3"],
] as const)("ownerText() of one that is %s", (_name, changes, expected) => {
  expect(ownerText(router(changes), nowMs)).toBe(expected);
});

describe("causeText", () => {
  test.each([
    ["silence", "the active director fell silent (silence)"],
    ["none", "none"],
    ["<odd>", "<odd>"],
    ["constructor", "constructor"],
  ])("of %s", (cause, expected) => {
    expect(causeText(cause)).toBe(expected);
  });

  test("has words for every cause of the state machine", () => {
    const named = causeNames.filter((name) => name !== "none");
    expect(named.filter((name) => causeText(name) === name)).toEqual([]);
  });
});

test.each([
  [{}, true],
  [{ leaseRemainingMs: 0 }, false],
  [{ state: "backup" }, false],
] as const)("isAnswering() of %j is %p", (changes, expected) => {
  expect(isAnswering(router(changes))).toBe(expected);
});

test("resourcesText() has each resource, and why one is not as wanted", () => {
  const resources = [
    { name: "/bin/db", state: "running", reason: "", failures: 0 },
    { name: "/bin/mail", state: "failed", reason: "did not start: exit status 1", failures: 1 },
  ] as const;
  expect(resourcesText(router({ resources }))).toBe(
    "/bin/db is running; /bin/mail is failed: did not start: exit status 1",
  );
  expect(resourcesText(router())).toBe("");
});
