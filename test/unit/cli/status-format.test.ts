import { describe, expect, test } from "bun:test";

import { formatStatus } from "../../../src/cli/status-format.ts";
import type { Snapshot } from "../../../src/status/index.ts";
import { copiedEntries } from "../../helpers/copied-entries.ts";
import {
  directorSnapshot,
  failoverSnapshot,
  serverSnapshot,
  serviceSnapshot,
  statusEvent,
} from "../../helpers/fake-status-source.ts";

const down = serverSnapshot({
  key: "192.0.2.12:80",
  host: "192.0.2.12",
  health: "down",
  effectiveWeight: 0,
  weight: 2,
  reason: "status 503, expected 200-299",
  activeConnections: 1234,
  check: {
    type: "http",
    at: "2026-03-01T10:00:59.000Z",
    tookMs: 4,
    ok: false,
    detail: "status 503, expected 200-299",
    failures: 2,
  },
});

test("formatStatus shows services, real servers, why, and events", () => {
  const rates = { cps: 3.42, inPps: 1, outPps: 1, inBps: 15_234, outBps: 1_234_567 };
  const snapshot = directorSnapshot({
    services: [
      serviceSnapshot({
        rates,
        realServers: [serverSnapshot(), down],
        fallback: { key: "127.0.0.1:8080", active: false },
      }),
      serviceSnapshot({
        name: "dns",
        protocol: "udp",
        listen: ["192.0.2.100:53", "[2001:db8::1]:53"],
        state: "down",
        reason: "no real server is up",
        realServers: [
          serverSnapshot({
            key: "192.0.2.21:53",
            health: "unchecked",
            effectiveWeight: 0,
            reason: "not checked yet",
            check: { type: "connect", at: null, tookMs: null, ok: null, detail: "", failures: 0 },
          }),
        ],
      }),
    ],
    events: [statusEvent(2, { text: "Real server is down: status 503", server: "192.0.2.12:80" })],
  });
  expect(formatStatus(snapshot, false)).toBe(
    `appliance 0.1.0, pid 4711, 2 workers, running for 60 s, ready
configuration /etc/appliance/appliance.toml, read 60 s ago

web  tcp 192.0.2.100:80 proxy wlc  up
  3 active, 3.4 new/s, in 15 kB/s, out 1.2 MB/s
  REAL SERVER    STATE  WEIGHT  ACTIVE  CONNECTIONS  LAST CHECK                WHY
  192.0.2.11:80  up     1       3       134          http ok 1.5 ms, 2 s ago
  192.0.2.12:80  down   0/2     1,234   134          http failed 4 ms, 1 s ago  status 503, expected 200-299
  fallback 127.0.0.1:8080

dns  udp 192.0.2.100:53 [2001:db8::1]:53 proxy wlc  down: no real server is up
  3 active, in 831 kB, out 1.1 MB
  REAL SERVER    STATE      WEIGHT  ACTIVE  CONNECTIONS  LAST CHECK       WHY
  192.0.2.21:53  unchecked  0/1     3       134          connect not yet  not checked yet

last events
  2026-03-01T10:00:30.000Z  web 192.0.2.12:80  Real server is down: status 503
`.replace("LAST CHECK                WHY", "LAST CHECK                 WHY"),
  );
});

test.each([
  [undefined, ""],
  [{ routers: ["lb1"], active: true }, ""],
  [{ routers: ["lb1", "lb2"], active: false }, ", served where lb1 or lb2 is active"],
])("formatStatus says of a service of %j: %j", (owner, expected) => {
  const services = [
    { ...directorSnapshot().services[0]!, state: "up" as const, reason: "", owner },
  ];
  const text = formatStatus(directorSnapshot({ services }), false);
  expect(text).toContain(`  up${expected}\n`);
});

test("formatStatus tells what is wrong with the director first", () => {
  const snapshot = directorSnapshot({
    ready: false,
    notReady: ["first checks have not ended", "a listener is closed"],
    configuration: {
      files: ["a.toml", "b.toml"],
      loadedAt: "2026-03-01T10:00:00.000Z",
      lastReloadSuccessful: false,
      lastReloadError: "b.toml:3: Unknown key",
    },
    services: [],
  });
  expect(formatStatus(snapshot, false)).toBe(
    `appliance 0.1.0, pid 4711, 2 workers, running for 60 s, not ready: first checks have not ended, a listener is closed
configuration a.toml b.toml, read 60 s ago
the last reload failed: b.toml:3: Unknown key

no virtual services

`,
  );
});

test("formatStatus lets no text of a real server reach the terminal as a command", () => {
  const hostile = "\u001b]0;title\u0007\u001b[2J\n";
  const server = serverSnapshot({ key: hostile, reason: hostile });
  const snapshot = directorSnapshot({
    services: [
      serviceSnapshot({
        name: hostile,
        listen: [hostile],
        state: "down",
        reason: hostile,
        fallback: { key: hostile, active: true },
        realServers: [server],
      }),
    ],
    notReady: [hostile],
    ready: false,
    events: [statusEvent(1, { text: hostile, service: hostile, server: hostile })],
  });
  // Which characters are control characters is the point.
  // oxlint-disable-next-line no-control-regex
  expect(formatStatus(snapshot, false)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test.each([
  [{ admin: "draining" }, "draining"],
  [{ admin: "disabled", health: "unchecked" }, "disabled"],
  [{ admin: "draining", health: "down" }, "down"],
  [{ health: "unchecked" }, "unchecked"],
] as const)("formatStatus shows %j as %s", (changes, expected) => {
  const services = [serviceSnapshot({ realServers: [serverSnapshot(changes)] })];
  expect(formatStatus(directorSnapshot({ services }), false)).toContain(
    `192.0.2.11:80  ${expected}  `,
  );
});

describe("failover", () => {
  const healthy = failoverSnapshot();
  const one = healthy.routers[0]!;
  const peer = {
    reachable: true,
    heardAgeMs: 120,
    answeredAgeMs: 130,
    roundTripMs: 0.4,
    configuration: "same" as const,
    tables: "same" as const,
    boots: 1,
    sent: 10,
    unsent: 0,
    dropped: 0,
    unmatched: 0,
    received: {},
    copy: null,
  };
  const copy = {
    connected: true,
    complete: true,
    lagMs: 40,
    clientsSent: 1,
    clientsReceived: 1,
    clientsTaken: 1,
    clients: copiedEntries,
    connections: copiedEntries,
  };

  function textOf(failover: Snapshot["failover"], color = false): string {
    const text = formatStatus(directorSnapshot({ failover, services: [] }), color);
    return text.slice(text.indexOf("\n\n") + 2, text.indexOf("\n\nno virtual services"));
  }

  test("formatStatus shows who owns the addresses, and why", () => {
    const routers = [
      { ...one, addresses: [0, 1, 2, 3, 4, 5].map((last) => `192.0.2.10${last}`) },
      {
        ...one,
        name: "inside",
        addresses: ["10.0.0.1"],
        state: "backup" as const,
        leaseRemainingMs: 0,
        cause: "outranked",
        heard: { address: "192.0.2.3", priority: 200, at: "2026-03-01T10:00:59.700Z" },
      },
      {
        ...one,
        name: "third",
        addresses: ["2001:db8::53"],
        state: "backup" as const,
        leaseRemainingMs: 0,
        cause: "carrier",
        blockedBy: "carrier",
        conflicts: 3,
        resources: [{ name: "/bin/db", state: "stopped" as const, reason: "", failures: 0 }],
      },
      {
        ...one,
        name: "left",
        addresses: ["10.0.0.2"],
        state: "backup" as const,
        leaseRemainingMs: 0,
        drainRemainingMs: 9000,
        cause: "standby",
      },
    ];
    const tracked = [
      { name: "ping 192.0.2.1", state: "up" as const, reason: "" },
      { name: "/usr/lib/check", state: "down" as const, reason: "exit status 1" },
    ];
    expect(textOf({ ...healthy, peer, tracked, routers })).toBe(
      `failover  fenced by bpf, guarded, 3 late wake-ups, the worst by 13 ms
  peer reachable, heard 120 ms ago, round trip 0.4 ms, same configuration
  tracked ping 192.0.2.1 up, /usr/lib/check down: exit status 1
  VIRTUAL ROUTER  STATE             OWNER                        SINCE     LEASE   PRIORITY  HEARD
  public          active            this director                50 s ago  250 ms  150       nobody
    192.0.2.100 192.0.2.101 192.0.2.102 192.0.2.103 and 2 more
    the active director fell silent (silence)
  inside          backup            192.0.2.3                    50 s ago  none    150       192.0.2.3 (200), 300 ms ago
    10.0.0.1
    another director has the higher rank (outranked)
  third           backup, blocked   not known: nobody was heard  50 s ago  none    150       nobody
    2001:db8::53
    held back: an interface has no carrier (carrier); another node claimed an address 3 times
    /bin/db is stopped
  left            backup, draining  not known: nobody was heard  50 s ago  none    150       nobody
    10.0.0.2
    an operator said standby (standby)`,
    );
  });

  test.each([
    [{ copy }, "copy complete\n"],
    [{ copy: { ...copy, complete: false } }, "\u001b[33mcopy not complete\u001b[0m\n"],
    [{ copy: { ...copy, connected: false } }, "\u001b[31mcopy not connected\u001b[0m\n"],
    [
      { reachable: false, heardAgeMs: null, roundTripMs: null },
      "\u001b[31mnot reachable\u001b[0m, never heard, same",
    ],
    [{ configuration: "different" as const }, "\u001b[33mdifferent configuration\u001b[0m"],
    [{ tables: "different" as const }, "\u001b[33mdifferent mh tables\u001b[0m"],
  ])("formatStatus shows the peer channel %#", (changes, expected) => {
    expect(textOf({ ...healthy, peer: { ...peer, ...changes } }, true)).toContain(expected);
  });

  test("formatStatus warns in red of what is missing, and of an active one without lease", () => {
    const fence = { kind: "none", reason: "needs\u0007 CAP_BPF" } as const;
    const routers = [{ ...one, leaseRemainingMs: 0 }];
    const text = textOf({ ...healthy, fence, guard: false, routers }, true);
    expect(text).toContain(
      "\u001b[31mno fence: needs· CAP_BPF\u001b[0m, \u001b[31mno guard\u001b[0m",
    );
    expect(text).toContain("\u001b[31mactive\u001b[0m  nobody here: the lease ran out");
  });
});

test.each([
  [{ firewallMark: 5, listen: [] }, "web  firewall mark 5 proxy wlc  up"],
  [{ forwarding: "gate", engine: "bpf" }, "web  tcp 192.0.2.100:80 gate by bpf wlc  up"],
] as const)("formatStatus shows how %j forwards", (changes, expected) => {
  const services = [serviceSnapshot(changes)];
  expect(formatStatus(directorSnapshot({ services }), false)).toContain(expected);
});
