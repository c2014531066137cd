/**
 * Failover in the words of the status endpoint.
 */
import { describe, expect, test } from "bun:test";

import { failoverSnapshot, handOver } from "../../../src/daemon/failover-status.ts";
import type { DirectorFailover, FailoverView } from "../../../src/daemon/failover.ts";

const nowMs = Date.UTC(2026, 2, 1, 10, 0, 0);
const instance: FailoverView["instances"][number] = {
  name: "web",
  vrid: 51,
  addresses: ["192.0.2.100"],
  state: "backup",
  priority: 100,
  stateAgeMs: 2000,
  lastCause: "startup",
  blockedBy: undefined,
  drainRemainingMs: 0,
  isPeerActive: false,
  leaseRemainingMs: 0,
  heard: { address: "192.0.2.2", priority: 150, ageMs: 500 },
  transitions: 1,
  conflicts: 0,
  advertisementsSent: 0,
  advertisementsReceived: { accepted: 3 },
  resources: [],
};
const view: FailoverView = {
  fence: { kind: "bpf", reason: "", gaps: [] },
  realtime: {
    beatAgeMs: 5,
    wakeups: 10,
    lateWakeups: 0,
    latenessMaxMs: 1,
    fenceRepairs: 0,
    hasGuard: true,
  },
  instances: [instance],
  transitionsOf: () => [{ to: "backup", cause: "startup", count: 1 }],
  tracked: [
    { name: "ping 192.0.2.1", isUp: undefined, reason: "" },
    { name: "/bin/ok", isUp: false, reason: "exit 1" },
    { name: "/bin/yes", isUp: true, reason: "" },
  ],
  peer: undefined,
  copied: undefined,
};

describe("failoverSnapshot()", () => {
  test("has times for ages, and null for what is not there", () => {
    const snapshot = failoverSnapshot(view, nowMs)!;
    expect(snapshot).toMatchObject({
      fence: { kind: "bpf", reason: "", gaps: [] },
      guard: true,
      beatAgeMs: 5,
      tracked: [
        { name: "ping 192.0.2.1", state: "unknown", reason: "" },
        { name: "/bin/ok", state: "down", reason: "exit 1" },
        { name: "/bin/yes", state: "up", reason: "" },
      ],
      routers: [
        {
          name: "web",
          state: "backup",
          changedAt: "2026-03-01T09:59:58.000Z",
          cause: "startup",
          blockedBy: null,
          heard: { address: "192.0.2.2", priority: 150, at: "2026-03-01T09:59:59.500Z" },
          advertisementsReceived: { accepted: 3 },
        },
      ],
    });
    expect(snapshot).not.toHaveProperty("peer");
    expect(snapshot).not.toHaveProperty("hasGuard");
  });

  test("says that there is no fence yet before the thread has told", () => {
    const snapshot = failoverSnapshot({ ...view, fence: undefined }, nowMs)!;
    expect(snapshot.fence).toEqual({ kind: "none", reason: "it is not there yet", gaps: [] });
  });

  test("has null where no active director was heard, and nothing without virtual routers", () => {
    const silent = { ...instance, heard: undefined, blockedBy: "witness" as const };
    const { routers } = failoverSnapshot({ ...view, instances: [silent] }, nowMs)!;
    expect(routers[0]).toMatchObject({ heard: null, blockedBy: "witness" });
    expect(failoverSnapshot(undefined, nowMs)).toBeUndefined();
  });
});

/** A director's failover that writes down what it is asked for. */
function fakeFailover(names: readonly string[]) {
  const asked: string[] = [];
  const fake: Partial<DirectorFailover> = {
    names: () => names,
    tellHandover: (action, name, by) => void asked.push(`${action} of ${name} by ${by}`),
    standby: async (name) => void asked.push(`standby ${name}`),
    takeover: async (name, force) => void asked.push(`takeover ${name} ${force}`),
    view: () => ({ ...view, instances: names.map((name) => ({ ...instance, name })) }),
  };
  return { asked, failover: fake as DirectorFailover };
}

describe("handOver()", () => {
  test("answers with the states right after it, of those it was about", async () => {
    const { asked, failover } = fakeFailover(["web", "mail"]);
    expect(await handOver(failover, { action: "standby", name: "web" }, "root")).toEqual({
      ok: true,
      routers: [{ name: "web", state: "backup" }],
    });
    expect(await handOver(failover, { action: "takeover", force: true }, "root")).toMatchObject({
      routers: [{ name: "web" }, { name: "mail" }],
    });
    expect(asked).toEqual([
      "standby of web by root",
      "standby web",
      "takeover of undefined by root",
      "takeover undefined true",
    ]);
  });

  test.each([
    [["web"], "mail", "Cannot hand over: there is no mail"],
    [[], undefined, "Cannot hand over: there are no virtual routers"],
  ])("of %j knows no %s", async (names, name, message) => {
    const { asked, failover } = fakeFailover(names);
    const request = { action: "standby", ...(name === undefined ? {} : { name }) } as const;
    expect(await handOver(failover, request, "root")).toEqual({
      ok: false,
      code: "VRRP_UNKNOWN",
      message,
    });
    expect(asked).toEqual([]);
  });
});
