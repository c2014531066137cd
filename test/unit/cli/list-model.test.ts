import { describe, expect, test } from "bun:test";

import { listServices, selectService, sortServices } from "../../../src/cli/list-model.ts";
import { formatEndpoint } from "../../../src/net/address.ts";
import type { ServiceSnapshot } from "../../../src/status/index.ts";
import {
  directorSnapshot,
  serverSnapshot,
  serviceSnapshot,
} from "../../helpers/fake-status-source.ts";
import { sampleServices } from "../../helpers/list-sample.ts";

function listOf(...services: readonly Partial<ServiceSnapshot>[]) {
  const snapshot = directorSnapshot({ services: services.map((one) => serviceSnapshot(one)) });
  return listServices(snapshot);
}

function keysOf(service: Partial<ServiceSnapshot>): readonly string[] {
  return listOf(service)[0]!.servers.map(({ endpoint }) => `${endpoint.address}:${endpoint.port}`);
}

describe("listServices", () => {
  test("carries everything over", () => {
    const rates = { cps: 1, inPps: 2, outPps: 3, inBps: 4, outBps: 5 };
    const [service] = listOf({
      persistentTimeoutMs: 600_000,
      persistenceMask: 24,
      schedulerFlags: ["sh-port"],
      onePacket: true,
      rates,
      realServers: [serverSnapshot({ upperThreshold: 9, lowerThreshold: 5, persistentEntries: 2 })],
    });
    expect(service).toEqual({
      protocol: "TCP",
      endpoint: { address: "192.0.2.100", port: 80 },
      portLast: undefined,
      scheduler: "wlc",
      schedulerFlags: ["sh-port"],
      persistentSeconds: 600,
      maskBits: 24,
      onePacket: true,
      stats: {
        connections: 401,
        packetsIn: 8939,
        packetsOut: 8953,
        bytesIn: 830_843,
        bytesOut: 1_135_000,
      },
      rates: { connections: 1, packetsIn: 2, packetsOut: 3, bytesIn: 4, bytesOut: 5 },
      servers: [
        {
          endpoint: { address: "192.0.2.11", port: 80 },
          forward: "Masq",
          weight: 1,
          upperThreshold: 9,
          lowerThreshold: 5,
          activeConnections: 3,
          inactiveConnections: 12,
          persistentConnections: 2,
          stats: {
            connections: 134,
            packetsIn: 3026,
            packetsOut: 3031,
            bytesIn: 281_255,
            bytesOut: 384_268,
          },
          rates: { connections: 0, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0 },
        },
      ],
    } as never);
  });

  test("leaves out servers that ipvs would not have", () => {
    const quiescent = { health: "down", effectiveWeight: 0, listed: true } as const;
    const realServers = [
      serverSnapshot({ port: 81 }),
      serverSnapshot({ port: 82, health: "down", listed: false }),
      serverSnapshot({ port: 83, ...quiescent }),
      serverSnapshot({ port: 84, address: null }),
    ];
    expect(keysOf({ realServers })).toEqual(["192.0.2.11:81", "192.0.2.11:83"]);
    expect(listOf({ realServers })[0]!.servers.map(({ weight }) => weight)).toEqual([1, 0]);
  });

  test("has the fallback while it serves", () => {
    const fallback = { key: "127.0.0.1:8080", active: true };
    const down = { realServers: [], fallback };
    expect(keysOf(down)).toEqual(["127.0.0.1:8080"]);
    expect(listOf(down)[0]!.servers[0]!.weight).toBe(1);
    expect(keysOf({ ...down, fallback: { ...fallback, active: false } })).toEqual([]);
    expect(keysOf({ ...down, fallback: { ...fallback, key: "sorry.example:80" } })).toEqual([]);
    expect(keysOf({ ...down, fallback: null })).toEqual([]);
  });

  test("has an entry for each address, with the mask of its family", () => {
    const services = listOf({
      listen: ["192.0.2.100:80", "192.0.2.100:8000-8010", "[2001:db8::1]:80", "rubbish"],
      persistentTimeoutMs: 1000,
      persistenceMask: 24,
    });
    expect(
      services.map(({ endpoint, portLast, maskBits }) => [endpoint, portLast, maskBits]),
    ).toEqual([
      [{ address: "192.0.2.100", port: 80 }, undefined, 24],
      [{ address: "192.0.2.100", port: 8000 }, 8010, 24],
      [{ address: "2001:db8::1", port: 80 }, undefined, undefined],
    ] as never);
  });

  test.each([
    ["proxy", "proxy", true, "Masq"],
    ["masq", "proxy", true, "Masq"],
    ["masq", "ipvs", false, "Masq"],
    ["gate", "ipvs", false, "Route"],
    ["ipip", "bpf", false, "Tunnel"],
    ["gate", "ipvs", true, "Local"],
  ] as const)("%s on %s, local %p: %s", (forwarding, engine, local, expected) => {
    const realServers = [serverSnapshot({ local })];
    expect(listOf({ forwarding, engine, realServers })[0]!.servers[0]!.forward).toBe(expected);
  });
});

describe("sortServices", () => {
  test("sorts by mark, family, protocol, address as a number, port", () => {
    const [service] = sampleServices;
    const order = [
      { protocol: "TCP", endpoint: { address: "9.0.0.1", port: 80 } },
      { protocol: "TCP", endpoint: { address: "10.0.0.1", port: 80 } },
      { protocol: "TCP", endpoint: { address: "10.0.0.1", port: 443 } },
      { protocol: "UDP", endpoint: { address: "9.0.0.1", port: 53 } },
      { protocol: "TCP", endpoint: { address: "2001:db8::5", port: 1 } },
      { protocol: "TCP", endpoint: { address: "2001:db8::10", port: 1 } },
      { protocol: "FWM", endpoint: { address: "0.0.0.0", port: 0 }, mark: 1 },
      { protocol: "FWM", endpoint: { address: "0.0.0.0", port: 0 }, mark: 2 },
    ] as const;
    const services = order.map((changes) => ({ ...service!, ...changes }));
    const mixed = [6, 3, 1, 7, 5, 0, 4, 2].map((index) => services[index]!);
    expect(
      sortServices(mixed).map(({ protocol, endpoint, mark }) => [protocol, endpoint, mark]),
    ).toEqual(services.map(({ protocol, endpoint, mark }) => [protocol, endpoint, mark]));
  });

  test("sorts the servers too", () => {
    const [service] = sampleServices;
    const servers = service!.servers.toReversed();
    expect(sortServices([{ ...service!, servers }])[0]!.servers).toEqual(service!.servers);
  });
});

describe("selectService", () => {
  const services = [
    ...sampleServices,
    { ...sampleServices[0]!, endpoint: { address: "192.0.2.1", port: 8000 }, portLast: 8010 },
  ];
  test.each([
    ["TCP", "192.168.6.240", 80, [80]],
    ["UDP", "192.168.6.240", 80, []],
    ["UDP", "192.168.6.240", 53, [53]],
    ["TCP", "2001:db8::5", 119, [119]],
    ["TCP", "192.0.2.1", 8010, [8000]],
    ["TCP", "192.0.2.1", 8011, []],
  ] as const)("%s %s:%d", (protocol, address, port, ports) => {
    const selection = { protocol, endpoint: { address, port } };
    expect(selectService(services, selection).map(({ endpoint }) => endpoint.port)).toEqual([
      ...ports,
    ]);
  });

  test.each([
    [1, 1],
    [2, 0],
  ])("mark %d is %d service", (mark, count) => {
    const found = selectService(services, { protocol: "FWM", mark });
    expect(found.length).toBe(count);
  });
});

describe("listServices of IPVS", () => {
  const base = { engine: "ipvs", forwarding: "gate" } as const;
  const ipv6 = serverSnapshot({ key: "[2001:db8::11]:80", address: "2001:db8::11", port: 80 });
  const shown = (service: Partial<ServiceSnapshot>): readonly string[] =>
    listOf({ ...base, ...service }).map(({ protocol, mark, endpoint, servers }) => {
      const texts = servers.map((server) => formatEndpoint(server.endpoint));
      return `${protocol} ${mark ?? formatEndpoint(endpoint)}: ${texts.join(" ")}`;
    });

  test("has a service for each port of a range, with servers of that port", () => {
    expect(shown({ listen: ["192.0.2.100:80-81"], realServers: [serverSnapshot()] })).toEqual([
      "TCP 192.0.2.100:80: 192.0.2.11:80",
      "TCP 192.0.2.100:81: 192.0.2.11:81",
    ]);
  });

  test("translates ports by masq", () => {
    const service = { forwarding: "masq", listen: ["192.0.2.100:8080"] } as const;
    expect(shown({ ...service, realServers: [serverSnapshot()] })).toEqual([
      "TCP 192.0.2.100:8080: 192.0.2.11:80",
    ]);
  });

  test("has a firewall mark once for each family", () => {
    const service = { listen: [], firewallMark: 7 };
    expect(shown({ ...service, realServers: [serverSnapshot(), ipv6] })).toEqual([
      "FWM 7: 192.0.2.11:80",
      "FWM 7: [2001:db8::11]:80",
    ]);
    expect(shown({ ...service, realServers: [] })).toEqual(["FWM 7: "]);
  });

  test("has servers of the other family only behind a tunnel", () => {
    const service = { listen: ["192.0.2.100:80"], realServers: [serverSnapshot(), ipv6] };
    expect(shown(service)).toEqual(["TCP 192.0.2.100:80: 192.0.2.11:80"]);
    expect(shown({ ...service, forwarding: "ipip" })).toEqual([
      "TCP 192.0.2.100:80: 192.0.2.11:80 [2001:db8::11]:80",
    ]);
  });
});
