import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  indexMaintenance,
  maintenanceFileOf,
  namesToResolve,
  parseMaintenanceName,
} from "../../../src/daemon/maintenance-name.ts";
import type { MaintainedServer } from "../../../src/daemon/maintenance-name.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

describe("parseMaintenanceName()", () => {
  test.each([
    ["192.0.2.11", "192.0.2.11", undefined],
    ["192.0.2.11:80", "192.0.2.11", 80],
    ["2001:db8::b", "2001:db8::b", undefined],
    ["[2001:DB8::b]", "2001:db8::b", undefined],
    ["[2001:db8::b]:80", "2001:db8::b", 80],
    ["Web1.example.com:80", "web1.example.com", 80],
    ["web1", "web1", undefined],
  ])("%s", (name, host, port) => {
    expect(parseMaintenanceName(name)).toEqual({ host, port });
  });

  test.each([".hidden", "", "a b", "web1:", "web1:65536", "[web1]:80", "[2001:db8::b", "web1~"])(
    "%j is no server's",
    (name) => {
      expect(parseMaintenanceName(name)).toBeUndefined();
    },
  );

  test("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const parsed = parseMaintenanceName(name);
        expect(parsed?.port ?? 0).toBeLessThanOrEqual(65_535);
      }),
      { seed, numRuns },
    );
  });
});

test("namesToResolve() has the names, not the addresses", () => {
  const files = ["192.0.2.11", "web1:80", "WEB1", "web2.example.com", ".x"];
  expect([...namesToResolve(files)]).toEqual(["web1", "web2.example.com"]);
});

describe("maintenanceFileOf()", () => {
  const byAddress: MaintainedServer = { host: "192.0.2.11", port: 80, address: "192.0.2.11" };
  const byName: MaintainedServer = { host: "Web1.example.com", port: 80, address: "192.0.2.11" };
  const lost: MaintainedServer = { ...byName, address: undefined };
  const ipv6: MaintainedServer = { host: "2001:db8::b", port: 80, address: "2001:db8::b" };
  const addresses = new Map([["web1", "192.0.2.11"]]);

  test.each([
    ["192.0.2.11", byAddress, true],
    ["192.0.2.11:80", byAddress, true],
    ["192.0.2.11:81", byAddress, false],
    ["192.0.2.1", byAddress, false],
    ["192.0.2.111", byAddress, false],
    ["web1", byAddress, true],
    ["web1:80", byAddress, true],
    ["web2", byAddress, false],
    ["192.0.2.11", byName, true],
    ["192.0.2.11:80", byName, true],
    ["web1.example.com", byName, true],
    ["web1.example.com:80", byName, true],
    ["web1.example.com:81", byName, false],
    ["web1", byName, true],
    ["web1:80", byName, true],
    ["example.com", byName, false],
    ["web1", lost, true],
    ["192.0.2.11", lost, false],
    ["[2001:db8::b]:80", ipv6, true],
    ["[2001:db8:0::b]", ipv6, true],
    ["2001:db8::b", ipv6, true],
    ["2001", ipv6, false],
  ])("the file %s and %o: %p", (file, server, isMeant) => {
    const index = indexMaintenance([file], (host) => addresses.get(host));
    expect(maintenanceFileOf(server, index)).toBe(isMeant ? file : undefined);
  });

  test("without files nobody is meant", () => {
    expect(
      maintenanceFileOf(
        byName,
        indexMaintenance([], () => undefined),
      ),
    ).toBeUndefined();
  });
});
