import { describe, expect, test } from "bun:test";

import type { ServerAssessment, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { forwardingService } from "../../../src/daemon/desired-state.ts";
import { realServer, virtualService } from "./fixture.ts";

function server(more: Partial<ServerAssessment> = {}): ServerAssessment {
  return {
    key: "192.0.2.11:80",
    server: realServer("192.0.2.11", 80, { upperThreshold: 100, lowerThreshold: 60 }),
    address: "192.0.2.11",
    health: "up",
    admin: "enabled",
    weight: 3,
    effectiveWeight: 3,
    state: "active",
    reason: "",
    healthReason: "",
    ...more,
  };
}

function service(more: Partial<ServiceAssessment> = {}): ServiceAssessment {
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

describe("forwardingService()", () => {
  test("takes settings of the service and the effective weight", () => {
    expect(forwardingService(service())).toEqual({
      name: "web",
      protocol: "tcp",
      listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }],
      forwarding: "proxy",
      engine: "proxy",
      scheduler: "wlc",
      persistence: undefined,
      servers: [
        {
          key: "192.0.2.11:80",
          role: "real",
          address: "192.0.2.11",
          port: 80,
          weight: 3,
          state: "active",
          upperThreshold: 100,
          lowerThreshold: 60,
          isListed: true,
        },
      ],
      onDown: "keep",
      connectionLimit: 0,
      allow: [],
      deny: [],
      timeouts: virtualService().timeouts,
      sendProxy: "off",
      acceptProxyFrom: [],
      source: [],
      onePacket: false,
      connectionLog: false,
    });
  });

  test("takes what only IPVS has, and the engine that was chosen", () => {
    const own = { firewallMark: 7, schedulerFlags: ["sh-port"], quiescent: false } as const;
    const servers = [
      server({ health: "down" }),
      server({ health: "unchecked", key: "b" }),
      server({ health: "down", admin: "draining", key: "c" }),
    ];
    const wanted = forwardingService(
      service({ service: virtualService(own), servers: [servers[1]!] }),
      { engine: "ipvs" },
    );
    expect(wanted).toMatchObject({
      engine: "ipvs",
      firewallMark: 7,
      schedulerFlags: ["sh-port"],
      servers: [{ isListed: false, isUnchecked: true }],
    });
    const listed = servers.map(
      (one) =>
        forwardingService(service({ service: virtualService(own), servers: [one] })).servers[0]!
          .isListed,
    );
    expect(listed).toEqual([false, false, true]);
  });

  test.each([
    ["down", 0],
    ["quiescent", 0],
    ["reset", 0],
    ["active", 3],
  ] as const)("hands state %s on", (state, effectiveWeight) => {
    const servers = [server({ state, effectiveWeight })];
    expect(forwardingService(service({ servers })).servers).toMatchObject([
      { state, weight: effectiveWeight },
    ]);
  });

  test("leaves out a server whose name is not resolved", () => {
    const servers = [server({ address: undefined }), server()];
    expect(forwardingService(service({ servers })).servers).toHaveLength(1);
  });

  test("uses the resolved address, IPv6 in brackets", () => {
    const servers = [server({ key: "web1:80", address: "2001:db8::1" })];
    expect(forwardingService(service({ servers })).servers).toMatchObject([
      { key: "[2001:db8::1]:80", address: "2001:db8::1" },
    ]);
  });

  test("gives one address only once, and the server that serves", () => {
    const servers = [
      server({ key: "old:80", effectiveWeight: 0, state: "down" }),
      server({ key: "new:80" }),
      server({ key: "other:80" }),
    ];
    expect(forwardingService(service({ servers })).servers).toMatchObject([
      { key: "192.0.2.11:80", state: "active" },
    ]);
  });

  test.each([
    [
      "active fallback",
      { address: "127.0.0.1", isActive: true },
      [{ role: "fallback", weight: 1, state: "active" }],
    ],
    [
      "fallback at rest",
      { address: "127.0.0.1", isActive: false },
      [{ role: "fallback", weight: 0, state: "quiescent" }],
    ],
    ["fallback not resolved", { address: undefined, isActive: false }, []],
  ])("%s", (_name, facts, expected) => {
    const fallback = { key: "sorry:80", port: 80, ...facts };
    const { servers } = forwardingService(service({ servers: [], fallback }));
    expect(servers).toMatchObject(expected);
    expect(servers).toHaveLength(expected.length);
  });

  test("a fallback may have the address of a real server", () => {
    const fallback = { key: "192.0.2.11:80", port: 80, address: "192.0.2.11", isActive: false };
    const { servers } = forwardingService(service({ fallback }));
    expect(servers.map(({ role }) => role)).toEqual(["real", "fallback"]);
  });
});
