/**
 * Every event of the real-time thread in words.
 */
import { describe, expect, test } from "bun:test";

import { reportsOf, stateReport } from "../../../src/daemon/failover-report.ts";
import type { RealtimeEvent } from "../../../src/failover/index.ts";
import { causeNames } from "../../../src/vrrp/index.ts";

const mac = "02:00:00:00:00:01";
const claimed = { instance: "web", address: "192.0.2.100" };

describe("reportsOf()", () => {
  test.each<[string, RealtimeEvent, string[]]>([
    ["an order that is done", { type: "done", sequence: 1 }, []],
    ["a state", { type: "state", instance: "web", state: "active", cause: "silence" }, []],
    ["a question", { type: "ask-witness", instance: "web", round: 1 }, []],
    ["routers handed over", { type: "yielded", isTaken: true }, []],
    [
      "routers taken over",
      { type: "adopted", gapMs: 1.234, active: ["web"] },
      ["info vrrp Virtual routers taken over, 1.2 ms after their last sign of life"],
    ],
    [
      "a conflict",
      { type: "conflict", ...claimed, mac },
      [
        "error vrrp-conflict The node with MAC address 02:00:00:00:00:01 claims 192.0.2.100, which" +
          " web has here: it is announced again",
      ],
    ],
    [
      "a holder",
      { type: "holder", ...claimed, mac: "", isThere: true },
      [
        "error vrrp-holder Another node answers for 192.0.2.100 of web and advertises nothing: take" +
          " the address off it, or say 'appliance takeover web --force'",
      ],
    ],
    [
      "a holder that has gone",
      { type: "holder", ...claimed, mac, isThere: false },
      ["info vrrp-holder Nobody else answers for 192.0.2.100 of web any more"],
    ],
    [
      "a witness that is missing",
      { type: "cause", instance: "web", cause: "witness" },
      ["warning vrrp-cause web is not active: it reaches no ping of track (witness)"],
    ],
    ["a cause without more to say", { type: "cause", instance: "web", cause: "conflict" }, []],
    ["trouble", { type: "trouble", text: "Something failed" }, ["warning vrrp Something failed"]],
    [
      "a repair",
      { type: "fence-repaired", device: "eth0", fault: "not first" },
      ["error fence The fence on eth0 was put back: it was not first"],
    ],
    [
      "a peer",
      { type: "peer", isReachable: true },
      ["info peer The peer is heard on the peer channel"],
    ],
    [
      "the same tables",
      { type: "peer-comparison", what: "tables", isSame: true },
      ["info peer-tables Both directors have the same tables of scheduler mh again"],
    ],
  ])("%s", (_name, event, expected) => {
    const told = reportsOf(event).map(({ level, name, text }) => `${level} ${name} ${text}`);
    expect(told).toEqual(expected);
  });

  test("a start that has everything is no news, one that lacks both is told twice", () => {
    const fence = { kind: "bpf", reason: "", gaps: [] } as const;
    expect(
      reportsOf({ type: "started", threadClass: { kind: "fifo", priority: 10 }, fence }),
    ).toEqual([]);
    const threadClass = { kind: "nice", nice: -20, reason: "EPERM" } as const;
    const none = { kind: "none", reason: "no bpf file system", gaps: [] } as const;
    expect(reportsOf({ type: "started", threadClass, fence: none })).toMatchObject([
      { level: "error", name: "fence", reason: "no bpf file system" },
      { level: "warning", name: "vrrp", reason: "EPERM" },
    ]);
  });

  test("a fence of nf_tables is told with the reason, and gaps with theirs", () => {
    const threadClass = { kind: "fifo", priority: 10 } as const;
    const nft = { kind: "nft", reason: "bpf: EPERM", gaps: [] } as const;
    expect(reportsOf({ type: "started", threadClass, fence: nft })).toMatchObject([
      { level: "warning", name: "fence", reason: "bpf: EPERM" },
    ]);
    const gap = (name: string) => ({ interface: name, reason: "EINVAL" });
    const gaps = [gap("eth0"), gap("eth1")];
    expect(reportsOf({ type: "fence", fence: { kind: "bpf", reason: "", gaps } })).toEqual([
      {
        level: "error",
        name: "fence",
        text: "The fence is not on eth0, eth1: no virtual router is active there",
        reason: "EINVAL",
      },
    ]);
    expect(reportsOf({ type: "fence", fence: nft })).toMatchObject([{ level: "info" }]);
  });

  test.each(causeNames)("cause %s has at most one line", (cause) => {
    expect(reportsOf({ type: "cause", instance: "web", cause }).length).toBeLessThanOrEqual(1);
  });
});

test.each([
  ["active", "silence", "info web is active (silence): 192.0.2.100 192.0.2.101"],
  ["backup", "startup", "info web is backup (startup)"],
  ["backup", "outranked", "warning web is backup (outranked)"],
  ["initialize", "shutdown", "info web is initialize (shutdown)"],
] as const)("stateReport() of %s by %s", (state, cause, expected) => {
  const addresses = ["192.0.2.100", "192.0.2.101"];
  const { level, text } = stateReport({ type: "state", instance: "web", state, cause }, addresses);
  expect(`${level} ${text}`).toBe(expected);
});
