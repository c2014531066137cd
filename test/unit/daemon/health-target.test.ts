import { describe, expect, test } from "bun:test";

import { configuredHosts, healthTargets } from "../../../src/daemon/health-target.ts";
import type { Overrides } from "../../../src/daemon/overrides.ts";
import type { HostState } from "../../../src/daemon/resolver.ts";
import { connectCheck, realServer, virtualService } from "./fixture.ts";

const noOverrides: Overrides = new Map();
const maintenanceFile = (): undefined => undefined;

/** Addresses are themselves; `lost` is not resolved, other names are being looked up. */
function hostState(host: string): HostState {
  if (/^\d/.test(host)) return { state: "resolved", address: host };
  return { state: host === "lost" ? "unresolved" : "pending", address: undefined };
}

describe("healthTargets()", () => {
  test("tells the check whom to ask and for whom", () => {
    const check = { ...connectCheck, port: 8080 };
    const service = virtualService({
      sendProxy: "v2",
      listen: [
        { address: "192.0.2.100", portFirst: 80, portLast: 90 },
        { address: "192.0.2.101", portFirst: 80, portLast: 80 },
      ],
      realServers: [realServer("192.0.2.11", 80, { check }), realServer("192.0.2.12", 81)],
    });
    expect(
      healthTargets([service], { overrides: noOverrides, hostState, maintenanceFile }),
    ).toEqual([
      {
        id: "web\n192.0.2.11:80",
        spec: check,
        target: {
          address: "192.0.2.11",
          port: 8080,
          host: "192.0.2.11",
          protocol: "tcp",
          virtualAddress: "192.0.2.100",
          virtualPort: 80,
          sendProxy: "v2",
        },
      },
      {
        id: "web\n192.0.2.12:81",
        spec: connectCheck,
        target: {
          address: "192.0.2.12",
          port: 81,
          host: "192.0.2.12",
          protocol: "tcp",
          virtualAddress: "192.0.2.100",
          virtualPort: 80,
          sendProxy: "v2",
        },
      },
    ]);
  });

  test("a name without an address is a target without one; one being looked up is none", () => {
    const realServers = [realServer("lost", 80), realServer("web1", 80)];
    const services = [virtualService({ realServers })];
    expect(healthTargets(services, { overrides: noOverrides, hostState, maintenanceFile })).toEqual(
      [{ id: "web\nlost:80", spec: connectCheck, target: undefined }],
    );
  });

  test("a disabled server is not checked, a drained one is", () => {
    const override = { kill: false, weight: undefined, by: "", at: "" };
    const overrides: Overrides = new Map([
      ["web\n192.0.2.11:80", { ...override, admin: "disabled" }],
      ["web\n192.0.2.12:80", { ...override, admin: "draining" }],
    ]);
    const targets = healthTargets([virtualService()], { overrides, hostState, maintenanceFile });
    expect(targets.map(({ id }) => id)).toEqual(["web\n192.0.2.12:80"]);
  });

  test("a server in maintenance is not checked", () => {
    const targets = healthTargets([virtualService()], {
      overrides: noOverrides,
      hostState,
      maintenanceFile: ({ address }) => (address === "192.0.2.11" ? "192.0.2.11" : undefined),
    });
    expect(targets.map(({ id }) => id)).toEqual(["web\n192.0.2.12:80"]);
  });
});

test("configuredHosts() names each host once, fallbacks too", () => {
  const services = [
    virtualService({ fallback: { host: "sorry", port: 80 } }),
    virtualService({ realServers: [realServer("192.0.2.11", 443), realServer("web1", 1)] }),
  ];
  expect([...configuredHosts(services)]).toEqual(["192.0.2.11", "192.0.2.12", "sorry", "web1"]);
});
