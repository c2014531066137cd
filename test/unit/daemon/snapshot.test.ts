import { describe, expect, test } from "bun:test";

import type { HealthState } from "../../../src/check/index.ts";
import type { ServerAssessment, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { assembleFigures, assembleSnapshot } from "../../../src/daemon/snapshot.ts";
import type { SnapshotInput } from "../../../src/daemon/snapshot.ts";
import { renderMetrics } from "../../../src/status/metrics.ts";
import type { ServiceSnapshot } from "../../../src/status/source.ts";
import { failoverSnapshot } from "../../helpers/fake-status-source.ts";
import { realServer, serverCounters, serviceCounters, virtualService } from "./fixture.ts";

function server(more: Partial<ServerAssessment> = {}): ServerAssessment {
  return {
    key: "192.0.2.11:80",
    server: realServer("192.0.2.11", 80, { upperThreshold: 10, lowerThreshold: 5 }),
    address: "192.0.2.11",
    health: "up",
    admin: "enabled",
    weight: 3,
    effectiveWeight: 3,
    state: "active",
    reason: "the check passed",
    healthReason: "the check passed",
    ...more,
  };
}

function assessment(more: Partial<ServiceAssessment> = {}): ServiceAssessment {
  return {
    service: virtualService(),
    servers: [server()],
    liveWeight: 3,
    isSettled: true,
    state: "up",
    reason: "",
    fallback: undefined,
    ...more,
  };
}

function input(more: Partial<SnapshotInput> = {}): SnapshotInput {
  return {
    program: { version: "1.2.3", commit: "abc" },
    pid: 42,
    nowMs: 2000,
    startedAtMs: 1000,
    notReady: [],
    configuration: {
      files: ["appliance.toml"],
      loadedAt: "1970-01-01T00:00:01.000Z",
      lastReloadSuccessful: true,
      lastReloadError: null,
    },
    proxy: { workers: 2, engine: "native" },
    timeouts: undefined,
    events: [],
    assessments: [assessment()],
    counters: [],
    engine: "proxy",
    problems: new Map(),
    rates: { service: () => undefined },
    healthOf: () => undefined,
    isLocal: () => false,
    ...more,
  };
}

/** The first service of a snapshot of one assessment. */
function service(of: Partial<ServiceAssessment>, more: Partial<SnapshotInput> = {}) {
  const [found] = assembleSnapshot(input({ assessments: [assessment(of)], ...more })).services;
  return found!;
}

describe("assembleSnapshot()", () => {
  test.each([
    ["active", true],
    ["backup", false],
  ] as const)("a service belongs to a virtual router that is %s here: %p", (state, active) => {
    const owned = virtualService({ routers: ["gone", "public"] });
    const failover = failoverSnapshot({ name: "public", state });
    expect(service({ service: owned }, { failover }).owner).toEqual({
      routers: ["gone", "public"],
      active,
    });
    expect(service({}, { failover })).not.toHaveProperty("owner");
    expect(service({ service: owned }).owner).toMatchObject({ active: false });
  });

  test("tells program, times and configuration", () => {
    expect(assembleSnapshot(input({ assessments: [] }))).toEqual({
      version: 1,
      program: { version: "1.2.3", commit: "abc" },
      at: "1970-01-01T00:00:02.000Z",
      startedAt: "1970-01-01T00:00:01.000Z",
      pid: 42,
      ready: true,
      notReady: [],
      configuration: {
        files: ["appliance.toml"],
        loadedAt: "1970-01-01T00:00:01.000Z",
        lastReloadSuccessful: true,
        lastReloadError: null,
      },
      proxy: { workers: 2, engine: "native" },
      services: [],
      events: [],
    });
  });

  test("is not ready as long as there is a reason", () => {
    expect(assembleSnapshot(input({ notReady: ["stops"] }))).toMatchObject({
      ready: false,
      notReady: ["stops"],
    });
  });

  test("tells a service without counters", () => {
    const { closed, realServers, ...rest } = service({});
    expect(closed).toEqual({});
    expect(realServers).toHaveLength(1);
    expect(rest).toEqual({
      name: "web",
      protocol: "tcp",
      listen: ["192.0.2.100:80"],
      forwarding: "proxy",
      engine: "proxy",
      scheduler: "wlc",
      persistentTimeoutMs: null,
      persistenceMask: null,
      onePacket: false,
      state: "up",
      reason: "",
      quorum: 1,
      activeConnections: 0,
      connections: 0,
      bytesIn: 0,
      bytesOut: 0,
      packetsIn: 0,
      packetsOut: 0,
      fallback: null,
    });
  });

  test("tells a real server with check, counters and rates", () => {
    const health: HealthState = {
      health: "up",
      changedAtMs: 500,
      lastResult: { up: true, tookMs: 1.5 },
      lastAtMs: 1500,
      failures: 0,
      reason: "the check passed",
    };
    const counted = serverCounters({
      active: 1,
      inactive: 2,
      connections: 3,
      connectFailures: 4,
      bytesIn: 5,
      bytesOut: 6,
      packetsIn: 7,
      packetsOut: 8,
      persistentEntries: 9,
    });
    const rates = { cps: 1, inPps: 2, outPps: 3, inBps: 4, outBps: 5 };
    const found = service(
      {},
      {
        counters: [serviceCounters({ active: 11, connections: 12, servers: [counted] })],
        healthOf: (id) => (id === "web\n192.0.2.11:80" ? health : undefined),
        isLocal: (address) => address === "192.0.2.11",
        rates: {
          service: () => ({ rates, servers: [{ role: "real", key: "192.0.2.11:80", rates }] }),
        },
      },
    );
    expect(found).toMatchObject({ activeConnections: 11, connections: 12 });
    expect(found.realServers).toEqual([
      {
        key: "192.0.2.11:80",
        host: "192.0.2.11",
        address: "192.0.2.11",
        port: 80,
        weight: 3,
        effectiveWeight: 3,
        health: "up",
        admin: "enabled",
        reason: "the check passed",
        changedAt: "1970-01-01T00:00:00.500Z",
        check: {
          type: "connect",
          at: "1970-01-01T00:00:01.500Z",
          tookMs: 1.5,
          ok: true,
          detail: "",
          failures: 0,
        },
        activeConnections: 1,
        inactiveConnections: 2,
        connections: 3,
        connectFailures: 4,
        bytesIn: 5,
        bytesOut: 6,
        packetsIn: 7,
        packetsOut: 8,
        persistentEntries: 9,
        upperThreshold: 10,
        lowerThreshold: 5,
        listed: true,
        local: true,
        rates,
      },
    ]);
  });

  test("tells what the last check found wrong", () => {
    const health: HealthState = {
      health: "down",
      changedAtMs: undefined,
      lastResult: { up: false, tookMs: 2, reason: "bad-status", detail: "status 503" },
      lastAtMs: 0,
      failures: 7,
      reason: "bad-status: status 503",
    };
    const check = { ...realServer("", 0).check, type: "negotiate", service: "http" } as const;
    const servers = [server({ server: realServer("192.0.2.11", 80, { check }) })];
    const [found] = service({ servers }, { healthOf: () => health }).realServers;
    expect(found).toMatchObject({
      changedAt: null,
      check: { type: "http", ok: false, detail: "status 503", failures: 7 },
    });
  });

  test("a name that is not resolved stands for itself", () => {
    const servers = [server({ key: "web1:80", address: undefined, health: "down" })];
    const [found] = service({ servers }).realServers;
    expect(found).toMatchObject({ key: "web1:80", address: null });
    expect(found).not.toHaveProperty("rates");
  });

  test("counters are those of the address in use, and of the role", () => {
    const counters = [
      serviceCounters({
        servers: [
          serverCounters({ connections: 1 }),
          serverCounters({ role: "fallback", connections: 2 }),
        ],
      }),
    ];
    const fallback = { key: "sorry:80", address: "192.0.2.11", port: 80, isActive: true };
    const found = service({ fallback }, { counters });
    expect(found.realServers[0]).toMatchObject({ connections: 1 });
    expect(found.fallback).toMatchObject({
      key: "192.0.2.11:80",
      active: true,
      traffic: { connections: 2 },
    });
  });

  test.each<readonly [string, Partial<ServiceAssessment["fallback"]>, ServiceSnapshot["fallback"]]>(
    [
      [
        "at rest",
        { address: "127.0.0.1", isActive: false },
        { key: "127.0.0.1:80", active: false },
      ],
      ["not resolved", { address: undefined, isActive: false }, { key: "sorry:80", active: false }],
    ],
  )("a fallback %s", (_name, facts, expected) => {
    const fallback = { key: "sorry:80", port: 80, address: undefined, isActive: false, ...facts };
    expect(service({ fallback }).fallback).toEqual(expected);
  });

  // quiescent, health, admin; in the table of `list`.
  test.each([
    [true, "up", "enabled", true],
    [true, "down", "enabled", true],
    [false, "up", "enabled", true],
    [false, "down", "enabled", false],
    [false, "unchecked", "enabled", false],
    [false, "unchecked", "disabled", true],
  ] as const)("quiescent %p, %s, %s: listed %p", (quiescent, health, admin, listed) => {
    const servers = [server({ health, admin })];
    const found = service({ service: virtualService({ quiescent }), servers });
    expect(found.realServers[0]!.listed).toBe(listed);
  });

  test.each([
    ["192.0.2.100", 80, 80, "192.0.2.100:80"],
    ["192.0.2.100", 8000, 8010, "192.0.2.100:8000-8010"],
    ["2001:db8::1", 80, 80, "[2001:db8::1]:80"],
  ])("listens on %s, ports %d to %d", (address, portFirst, portLast, expected) => {
    const listen = [{ address, portFirst, portLast }];
    expect(service({ service: virtualService({ listen }) }).listen).toEqual([expected]);
  });

  test.each([
    ["192.0.2.100", 24],
    ["2001:db8::1", 64],
  ])("persistence of a service at %s counts by /%d", (address, mask) => {
    const persistence = { timeoutMs: 600_000, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };
    const listen = [{ address, portFirst: 80, portLast: 80 }];
    expect(service({ service: virtualService({ persistence, listen }) })).toMatchObject({
      persistentTimeoutMs: 600_000,
      persistenceMask: mask,
    });
  });

  test.each([
    ["gate", { engine: "ipvs", reason: "the kernel has it", warning: undefined }, "ipvs"],
    ["masq", { engine: "proxy", reason: "no module", warning: "no module" }, "proxy"],
    ["gate", { refusal: "no module" }, "none"],
  ] as const)(
    "tells the engine of %s, and why it is that one: %j",
    (forwarding, decision, engine) => {
      const decisions = new Map([["web", decision]]);
      const reason = "refusal" in decision ? decision.refusal : decision.reason;
      expect(service({ service: virtualService({ forwarding }) }, { decisions })).toMatchObject({
        engine,
        engineReason: reason,
      });
      expect(service({}, { decisions })).not.toHaveProperty("engineReason");
    },
  );

  test("of IPVS, who is to lose its connections is not listed, and the engine knows who is local", () => {
    const decision = { engine: "ipvs", reason: "it is configured", warning: undefined } as const;
    const decisions = new Map([["web", decision]]);
    const gone = [server({ state: "reset" })];
    expect(service({ servers: gone }).realServers[0]!.listed).toBe(true);
    expect(service({ servers: gone }, { decisions }).realServers[0]!.listed).toBe(false);
    const resets = virtualService({ onDown: "reset" });
    const down = { service: resets, servers: [server({ state: "down", health: "down" })] } as const;
    expect(service(down, { decisions }).realServers[0]!.listed).toBe(false);
    const counters = [serviceCounters({ servers: [serverCounters({ isLocal: false })] })];
    const isLocal = () => true;
    expect(service({}, { decisions, isLocal }).realServers[0]).toMatchObject({ local: true });
    const [found] = service({}, { decisions, isLocal, counters }).realServers;
    expect(found).not.toHaveProperty("local");
  });

  test("tells marks, flags and the kernel's IPVS", () => {
    const marked = virtualService({ firewallMark: 7, listen: [], schedulerFlags: ["sh-port"] });
    expect(service({ service: marked })).toMatchObject({
      listen: [],
      firewallMark: 7,
      schedulerFlags: ["sh-port"],
    });
    const timeouts = { tcpMs: 1000, tcpFinMs: 2000, udpMs: 3000 };
    const ipvs = { version: "1.2.1", connectionTableSize: 4096, timeouts, daemons: [] };
    expect(assembleSnapshot(input({ ipvs })).ipvs).toEqual(ipvs);
  });

  test("a service that cannot be reached is down, with the reason", () => {
    const problems = new Map([["web", "Cannot listen on 192.0.2.100:80"]]);
    expect(service({}, { problems })).toMatchObject({
      state: "down",
      reason: "Cannot listen on 192.0.2.100:80",
    });
  });
});

describe("assembleFigures()", () => {
  test("are what metrics show of the snapshot of the same moment", () => {
    const named = server({ key: "web.example:80", address: undefined, health: "unchecked" });
    const twice = server({ key: "[2001:db8::1]:80", address: "192.0.2.11" });
    const fallback = { key: "127.0.0.1:81", address: "127.0.0.1", port: 81, isActive: true };
    const of = input({
      notReady: ["stops"],
      assessments: [
        assessment({ servers: [named, server(), twice], fallback }),
        assessment({ service: virtualService({ name: "new" }), state: "down" }),
        assessment({ service: virtualService({ name: "broken" }) }),
      ],
      problems: new Map([["broken", "Cannot listen"]]),
      counters: [
        serviceCounters({ name: "broken", active: 1 }),
        serviceCounters({
          active: 9,
          servers: [
            serverCounters({ role: "fallback", key: "127.0.0.1:81", active: 3 }),
            serverCounters({ key: "127.0.0.1:81", active: 4 }),
            serverCounters({ active: 5, bytesIn: 6 }),
          ],
        }),
      ],
    });
    const checkMetrics = () => ({
      bucketSeconds: [],
      bucketCounts: [],
      sumSeconds: 0,
      count: 0,
      latenessCounts: [],
      latenessSumSeconds: 0,
      failures: {},
    });
    const figures = assembleFigures(of);
    const snapshot = assembleSnapshot(of);
    expect(figures.services.map(({ state }) => state)).toEqual(["up", "down", "down"]);
    expect(figures.services[0]!.realServers.map((one) => one.activeConnections)).toEqual([0, 5, 5]);
    expect(renderMetrics({ figures: () => figures, checkMetrics })).toBe(
      renderMetrics({ figures: () => snapshot, checkMetrics }),
    );
  });
});
