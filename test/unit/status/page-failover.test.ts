import { describe, expect, test } from "bun:test";

import type { PeerSnapshot, VirtualRouterSnapshot } from "../../../src/status/index.ts";
import {
  failoverHeadline,
  failoverView,
  peerFault,
  protectionFaults,
  routerFault,
  trackedFaults,
} from "../../../src/status/page-failover.ts";
import { copiedEntries } from "../../helpers/copied-entries.ts";
import { failoverSnapshot } from "../../helpers/fake-status-source.ts";

const nowMs = Date.parse("2026-03-01T10:01:00.000Z");

function heard(priority: number, at: string): VirtualRouterSnapshot["heard"] {
  return { address: "192.0.2.3", priority, at: `2026-03-01T10:00:${at}Z` };
}

function router(changes: Partial<VirtualRouterSnapshot> = {}): VirtualRouterSnapshot {
  return failoverSnapshot(changes).routers[0]!;
}

const copy = {
  connected: true,
  complete: true,
  lagMs: 40,
  clientsSent: 1,
  clientsReceived: 1,
  clientsTaken: 1,
  clients: copiedEntries,
  connections: copiedEntries,
} as const;

function peer(changes: Partial<PeerSnapshot> = {}): PeerSnapshot {
  return {
    reachable: true,
    heardAgeMs: 120,
    answeredAgeMs: 130,
    roundTripMs: 0.4,
    configuration: "same",
    tables: "same",
    boots: 1,
    sent: 10,
    unsent: 0,
    dropped: 0,
    unmatched: 0,
    received: {},
    copy: null,
    ...changes,
  };
}

/** What a reader sees. */
function textOf(failover: Parameters<typeof failoverView>[0]): string {
  const { text } = failoverView(failover, nowMs);
  return text
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}

describe("failoverView", () => {
  test("shows nothing without virtual routers", () => {
    expect(failoverView(undefined, nowMs).text).toBe("");
  });

  test("shows protection, and per virtual router owner, state, lease, who was heard and why", () => {
    const routers = [
      router(),
      router({
        name: "inside",
        vrid: 52,
        addresses: ["10.0.0.1", "2001:db8::1"],
        state: "backup",
        cause: "outranked",
        leaseRemainingMs: 0,
        priority: 100,
        heard: heard(200, "59.700"),
      }),
    ];
    expect(textOf({ ...failoverSnapshot(), routers })).toBe(
      "Failover fence ● bpf guard ● lives late wake-ups 3, worst 13 ms ping 192.0.2.1 ● up " +
        "This director owns the addresses of 1 of 2 virtual routers " +
        "Virtual router Owner State here Since Lease Priority Heard Why " +
        "public VRID 51 192.0.2.100 this director ● active 50 s ago 250 ms 150 nobody " +
        "the active director fell silent (silence) " +
        "inside VRID 52 10.0.0.1 2001:db8::1 192.0.2.3 ○ backup 50 s ago none 100 " +
        "192.0.2.3, priority 200, 300 ms ago another director has the higher rank (outranked)",
    );
  });

  test("warns loudly of a missing fence and a missing guard", () => {
    const fence = { kind: "none", reason: "needs CAP_BPF" } as const;
    const text = textOf({ ...failoverSnapshot(), fence, guard: false, fenceRepairs: 2 });
    expect(text).toStartWith(
      "Failover ✕ No fence: a director that hangs may go on answering (needs CAP_BPF) " +
        "✕ No guard: if this director dies at once, its addresses stay on this host " +
        "fence ✕ none guard ✕ none fence put back 2 ",
    );
  });

  test.each([
    [peer(), "peer ● reachable heard 120 ms ago round trip 0.4 ms configuration same"],
    [
      peer({
        reachable: false,
        heardAgeMs: null,
        roundTripMs: null,
        configuration: "unknown",
        tables: "same",
      }),
      "peer ✕ not reachable heard never configuration unknown",
    ],
    [peer({ copy }), "configuration same copy ● complete copy there behind by 40 ms"],
    [
      peer({ copy: { ...copy, complete: false, lagMs: null } }),
      "configuration same copy ▲ not complete ping",
    ],
    [peer({ copy: { ...copy, connected: false } }), "copy ✕ not connected"],
  ])("shows the peer channel %#", (channel, expected) => {
    expect(textOf({ ...failoverSnapshot(), peer: channel })).toContain(expected);
  });

  test("shows what is tracked", () => {
    const tracked = [
      { name: "ping 192.0.2.1", state: "up" as const, reason: "" },
      { name: "/usr/lib/check", state: "down" as const, reason: "exit status 1" },
      { name: "ping <x>", state: "unknown" as const, reason: "" },
    ];
    const failover = { ...failoverSnapshot(), tracked };
    expect(textOf(failover)).toContain(
      "ping 192.0.2.1 ● up /usr/lib/check ✕ down exit status 1 ping &lt;x&gt; ○ not yet asked",
    );
    expect(trackedFaults(failover)).toEqual(["/usr/lib/check is down: exit status 1"]);
  });

  test("says that connections of before a handover finish here", () => {
    const text = textOf(failoverSnapshot({ state: "backup", drainRemainingMs: 5000 }));
    expect(text).toContain("▲ backup, draining");
  });

  test("says what holds a virtual router back, and how often an address was claimed", () => {
    const text = textOf(
      failoverSnapshot({ state: "backup", cause: "startup", blockedBy: "carrier", conflicts: 1 }),
    );
    expect(text).toContain("▲ backup, blocked");
    expect(text).toEndWith(
      "held back: an interface has no carrier (carrier); the director started (startup); " +
        "another node claimed an address once",
    );
  });

  test("keeps many addresses and many virtual routers readable", () => {
    const addresses = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);
    expect(textOf(failoverSnapshot({ addresses }))).toContain(
      "192.0.2.4 192.0.2.5 194 more addresses 192.0.2.6 192.0.2.7",
    );
    const routers = Array.from({ length: 400 }, (_, index) => router({ name: `r${index}` }));
    const { text } = failoverView({ ...failoverSnapshot(), routers }, nowMs);
    expect(text.match(/data-key="r/g)!.length).toBe(300);
    expect(text).toContain("400 of 400 virtual routers");
  });
});

test.each([
  [{}, undefined],
  [{ state: "backup", leaseRemainingMs: 0 }, undefined],
  [{ leaseRemainingMs: 0 }, "is active, but its lease ran out"],
  [
    { state: "backup", blockedBy: "witness" },
    "is held back: no ping of track is answered (witness)",
  ],
  [{ state: "initialize", cause: "none" }, "is not running: none"],
  [
    { resources: [{ name: "/bin/db", state: "failed", reason: "did not stop", failures: 1 }] },
    "has /bin/db failed: did not stop",
  ],
] as [Partial<VirtualRouterSnapshot>, string | undefined][])(
  "routerFault() of %j is %p",
  (changes, expected) => {
    expect(routerFault(router(changes))).toBe(expected);
  },
);

test.each([
  [undefined, undefined],
  [peer(), undefined],
  [peer({ configuration: "unknown" }), undefined],
  [
    peer({ configuration: "different" }),
    "The two directors have different services or virtual routers",
  ],
  [
    peer({ tables: "different" }),
    "The two directors have different tables of scheduler mh: a takeover will move clients",
  ],
  [peer({ copy }), undefined],
  [
    peer({ copy: { ...copy, connected: false } }),
    "Clients and overrides are not copied: there is no connection to the peer",
  ],
  [peer({ reachable: false }), "The peer is not reachable on the peer channel"],
])("peerFault() %#", (channel, expected) => {
  expect(peerFault(channel)).toBe(expected);
});

test("protectionFaults() is empty with fence and guard", () => {
  expect(protectionFaults(failoverSnapshot())).toEqual([]);
});

test.each([
  [undefined, ""],
  [failoverSnapshot(), "active for 1 of 1 virtual router"],
  [failoverSnapshot({ leaseRemainingMs: 0 }), "active for 0 of 1 virtual router"],
  [
    { ...failoverSnapshot(), routers: [router(), router({ state: "backup" })] },
    "active for 1 of 2 virtual routers",
  ],
])("failoverHeadline() %#", (failover, expected) => {
  expect(failoverHeadline(failover)).toBe(expected);
});
