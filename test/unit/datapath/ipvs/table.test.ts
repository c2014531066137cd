import { describe, expect, test } from "bun:test";

import { countKeys, serviceId, wantedTable } from "../../../../src/datapath/ipvs/table.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../../../helpers/traffic/forwarding.ts";

const first = serverAt({ address: "192.0.2.11", port: 80 });
const listen = (address: string, portFirst: number, portLast = portFirst) => ({
  address,
  portFirst,
  portLast,
});
const isLocal = (address: string): boolean => address === "127.0.0.1" || address === "192.0.2.1";

/** `tcp 192.0.2.100:80: 192.0.2.11:80 gate 1`, one text a service. */
function tableOf(changes: ServiceChanges): readonly string[] {
  const service = serviceWith({
    listen: [listen("192.0.2.100", 80)],
    forwarding: "gate",
    servers: [first],
    ...changes,
  });
  return wantedTable([service], { isLocal }).map(({ key, destinations }) => {
    const texts = destinations.map(({ key: { address, port }, settings, isPresent }) => {
      const { method, weight } = settings;
      return `${address}:${port} ${method} ${isPresent ? weight : "absent"}`;
    });
    return `${serviceId(key)}: ${texts.join(", ")}`;
  });
}

test.each<[string, ServiceChanges, readonly string[]]>([
  ["one port", {}, ["tcp 192.0.2.100:80: 192.0.2.11:80 gate 1"]],
  [
    "a range, a service a port; gate keeps the port",
    { listen: [listen("192.0.2.100", 80, 82)] },
    [
      "tcp 192.0.2.100:80: 192.0.2.11:80 gate 1",
      "tcp 192.0.2.100:81: 192.0.2.11:81 gate 1",
      "tcp 192.0.2.100:82: 192.0.2.11:82 gate 1",
    ],
  ],
  [
    "masq translates the port",
    { listen: [listen("192.0.2.100", 8080)], forwarding: "masq", protocol: "udp" },
    ["udp 192.0.2.100:8080: 192.0.2.11:80 masq 1"],
  ],
  ["all ports", { listen: [listen("192.0.2.100", 0)] }, ["tcp 192.0.2.100:0: 192.0.2.11:0 gate 1"]],
  ["a firewall mark", { listen: [], firewallMark: 7 }, ["fwmark 7 IPv4: 192.0.2.11:80 gate 1"]],
  [
    "a firewall mark in both families",
    {
      listen: [],
      firewallMark: 7,
      servers: [first, serverAt({ address: "2001:db8::11", port: 80 })],
    },
    ["fwmark 7 IPv4: 192.0.2.11:80 gate 1", "fwmark 7 IPv6: 2001:db8::11:80 gate 1"],
  ],
  [
    "a firewall mark without servers",
    { listen: [], firewallMark: 7, servers: [] },
    ["fwmark 7 IPv4: "],
  ],
  [
    "servers of the other family only through a tunnel",
    {
      listen: [listen("192.0.2.100", 80), listen("2001:db8::100", 80)],
    },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate 1", "tcp [2001:db8::100]:80: "],
  ],
  [
    "a tunnel to the other family",
    { listen: [listen("2001:db8::100", 80)], forwarding: "ipip" },
    ["tcp [2001:db8::100]:80: 192.0.2.11:80 ipip 1"],
  ],
  [
    "the director's own address",
    { servers: [serverAt({ address: "192.0.2.1", port: 80 })] },
    ["tcp 192.0.2.100:80: 192.0.2.1:80 local 1"],
  ],
  [
    "the director's own address by masq to another port",
    { forwarding: "masq", servers: [serverAt({ address: "192.0.2.1", port: 8080 })] },
    ["tcp 192.0.2.100:80: 192.0.2.1:8080 masq 1"],
  ],
  [
    "a server that is down, quiescent",
    { servers: [{ ...first, state: "down", weight: 5 }] },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate 0"],
  ],
  [
    "a server that is down and not listed",
    { servers: [{ ...first, state: "down", weight: 0, isListed: false }] },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate absent"],
  ],
  [
    "a server that is down, whose connections end",
    { servers: [{ ...first, state: "down", weight: 0 }], onDown: "reset" },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate absent"],
  ],
  [
    "a fallback that waits",
    {
      servers: [
        first,
        serverAt({ address: "127.0.0.1", port: 80 }, { role: "fallback", weight: 0 }),
      ],
    },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate 1, 127.0.0.1:80 local absent"],
  ],
  [
    "a fallback that serves and is a real server too",
    {
      servers: [
        { ...first, weight: 0 },
        { ...first, role: "fallback" },
      ],
    },
    ["tcp 192.0.2.100:80: 192.0.2.11:80 gate 1, 192.0.2.11:80 gate absent"],
  ],
])("wantedTable(): %s", (_name, changes, expected) => {
  expect(tableOf(changes)).toEqual(expected);
});

test("wantedTable(): what the kernel sent before this start goes on until the first check", () => {
  const [unchecked, checked, fresh] = ["192.0.2.11", "192.0.2.12", "192.0.2.13"].map((address) =>
    serverAt({ address, port: 80 }, { state: "quiescent", weight: 0, isListed: false }),
  );
  const servers = [
    { ...unchecked!, isUnchecked: true },
    checked!,
    { ...fresh!, isUnchecked: true },
  ];
  const service = serviceWith({ listen: [listen("192.0.2.100", 80)], forwarding: "gate", servers });
  const weights = new Map([
    ["192.0.2.11:80", 5],
    ["192.0.2.12:80", 5],
  ]);
  const formerWeights = new Map([["tcp 192.0.2.100:80", weights]]);
  const [wanted] = wantedTable([service], { isLocal, formerWeights });
  const found = wanted!.destinations.map(({ server, isPresent, settings }) => {
    return [server.key, isPresent, settings.weight];
  });
  expect(found).toEqual([
    ["192.0.2.11:80", true, 5],
    ["192.0.2.12:80", false, 0],
    ["192.0.2.13:80", false, 0],
  ]);
});

describe("wantedTable(): settings of the service", () => {
  const settingsOf = (changes: ServiceChanges) =>
    wantedTable([serviceWith({ port: 80, ...changes })], { isLocal }).map(
      ({ settings }) => settings,
    );

  test("without persistence each client stands for itself", () => {
    expect(settingsOf({ scheduler: "sh", schedulerFlags: ["sh-port", "sh-fallback"] })).toEqual([
      {
        scheduler: "sh",
        persistentSeconds: undefined,
        persistentBits: 32,
        isOnePacket: false,
        schedulerFlags: [1, 2],
        persistenceEngine: undefined,
      },
    ]);
  });

  test("persistence has the mask of the family, and at least a second", () => {
    const persistence = { timeoutMs: 400, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };
    const both = [listen("192.0.2.100", 80), listen("2001:db8::100", 80)];
    expect(settingsOf({ listen: both, persistence })).toMatchObject([
      { persistentSeconds: 1, persistentBits: 24 },
      { persistentSeconds: 1, persistentBits: 64 },
    ]);
  });
});

test("countKeys() counts ports without making them", () => {
  const listenAt = [listen("192.0.2.1", 1, 65_535), listen("192.0.2.2", 80)];
  expect(countKeys(serviceWith({ listen: listenAt }))).toBe(65_536);
  expect(countKeys(serviceWith({ listen: [], firewallMark: 1 }))).toBe(1);
});
