/**
 * Virtual routers out of their tables, and what cannot hold between their settings.
 */
import { describe, expect, test } from "bun:test";

import type { VirtualRouter } from "../../../../src/model/index.ts";
import { configOf, problemsOf, warningsOf } from "../fixture.ts";

/** One `[[vrrp]]`; a key in `lines` takes the place of the same key here. */
function table(lines = "", name = "web"): string {
  const given = {
    name: `"${name}"`,
    interface: '"eth0"',
    vrid: "51",
    addresses: '["192.0.2.100/24"]',
    auth: '"none"',
  };
  const own = Object.entries(given)
    .filter(([key]) => !new RegExp(`^${key} =`, "m").test(lines))
    .filter(([key]) => key !== "interface" || !lines.includes("interfaces ="))
    .filter(([key]) => key !== "auth" || !/^(?:auth_pass|key_file) =/m.test(lines));
  return ["[[vrrp]]", ...own.map(([key, value]) => `${key} = ${value}`), lines, ""].join("\n");
}

function routerOf(lines: string, rest = ""): VirtualRouter {
  return configOf(`${table(lines)}\n${rest}`).virtualRouters[0]!;
}

const peer = '[peer]\naddress = "192.0.2.2:9781"\nkey_file = "/etc/appliance/peer.key"\n';

describe("resolveVrrp()", () => {
  test("fills in the RFC's times and priority, no preemption, and whole addresses", () => {
    expect(routerOf('addresses = ["192.0.2.100", "192.0.2.101/24"]')).toMatchObject({
      name: "web",
      interfaces: ["eth0"],
      vrid: 51,
      version: 3,
      family: 4,
      priority: 100,
      addresses: [
        { address: "192.0.2.100", prefixBits: 32, interface: "eth0", isAdvertised: true },
        { address: "192.0.2.101", prefixBits: 24, interface: "eth0", isAdvertised: true },
      ],
      peers: undefined,
      password: undefined,
      keyFile: undefined,
      advertiseIntervalMs: 1000,
      downAfterMs: 3000,
      preempt: false,
      announces: true,
    });
  });

  test.each([
    ["nothing said", "", "", 1000, 3000],
    ["an interval", 'advertise_interval = "100ms"', "", 100, 300],
    ["with a peer", "", peer, 20, 300],
    ["with a peer, and a dead time", 'down_after = "600ms"', peer, 20, 600],
    ["with a peer, and an interval", 'advertise_interval = "100ms"', peer, 100, 300],
    ["with a peer, version 2", "version = 2", peer, 1000, 3000],
  ])("times: %s", (_name, lines, rest, advertiseIntervalMs, downAfterMs) => {
    expect(routerOf(lines, rest)).toMatchObject({ advertiseIntervalMs, downAfterMs });
  });

  test("keeps the addresses in canonical form, those left out of the packet behind the others", () => {
    const lines = `addresses = ["2001:DB8:0::100/64"]
excluded_addresses = [{ address = "192.0.2.9", interface = "eth1", label = "eth1:9" }]`;
    expect(routerOf(lines)).toMatchObject({
      family: 6,
      addresses: [
        { address: "2001:db8::100", prefixBits: 64, isAdvertised: true },
        { address: "192.0.2.9", interface: "eth1", label: "eth1:9", isAdvertised: false },
      ],
    });
  });

  test.each([
    [
      "no interface",
      table().replace(/interface.*\n/, ""),
      "vrrp[0]: Expected the key interface, got neither interface nor interfaces",
    ],
    [
      "both",
      table('interface = "eth0"\ninterfaces = ["eth1"]'),
      "vrrp[0].interfaces: Expected interface or interfaces, not both, got both",
    ],
    [
      "a password in version 3",
      table('auth_pass = "x"'),
      "vrrp[0].auth_pass: Expected auth_pass with version = 2 only: version 3 has no password," +
        " got version 3",
    ],
    [
      "a key in version 2",
      table('version = 2\nkey_file = "/etc/key"'),
      "vrrp[0].key_file: Expected key_file with version = 3 only, got version 2",
    ],
    [
      "no word on authentication",
      table().replace(/auth.*\n/, ""),
      'vrrp[0]: Expected one of key_file, auth_pass and auth = "none", got none of them',
    ],
    [
      "several ways of authentication",
      table('auth = "none"\nkey_file = "/etc/key"'),
      'vrrp[0]: Expected one of key_file, auth_pass and auth = "none", got several',
    ],
    [
      "a peer of another family",
      table('peers = ["2001:db8::3"]'),
      'vrrp[0].peers[0]: Expected IPv4 addresses, as the first one is, got "2001:db8::3"',
    ],
    [
      "a priority of the unfit",
      table("priority = 9"),
      "vrrp[0].priority: Expected a priority from 10: lower ones are for directors that are not" +
        " fit, got 9",
    ],
    [
      "IPv6 in version 2",
      table('version = 2\naddresses = ["2001:db8::100"]'),
      "vrrp[0].version: Expected version 3 for IPv6, got version 2",
    ],
    [
      "an interval above a third of the dead time",
      table('advertise_interval = "200ms"\ndown_after = "300ms"'),
      "vrrp[0].advertise_interval: Expected at most 100ms, a third of down_after, got 200ms",
    ],
    [
      "one address twice",
      table() + table("vrid = 52", "mail"),
      "vrrp[1]: Expected addresses that no other [[vrrp]] has (the other is at a.toml:1), got" +
        ' "192.0.2.100"',
    ],
    [
      "one identifier twice",
      table() + table('addresses = ["192.0.2.101"]', "mail"),
      "vrrp[1].vrid: Expected an identifier that no other [[vrrp]] on this interface has (the" +
        " other is at a.toml:1), got 51",
    ],
  ])("refuses %s", (_name, text, expected) => {
    expect(problemsOf(text).map((line) => line.replace(/^a\.toml:\d+: /, ""))).toContain(expected);
  });

  test.each([
    ["another VRID", "vrid = 52"],
    ["another interface", 'interface = "eth1"'],
    ["another family", 'addresses = ["2001:db8::100"]'],
  ])("takes two routers with %s", (_name, lines) => {
    const addresses = lines.startsWith("addresses") ? "" : '\naddresses = ["192.0.2.101"]';
    expect(problemsOf(table() + table(lines + addresses, "mail"))).toEqual([]);
  });

  test("says what a dead time becomes that the packet cannot say", () => {
    expect(warningsOf(table('advertise_interval = "20ms"\ndown_after = "310ms"'))).toEqual([
      expect.stringContaining("down_after is in fact 300ms"),
    ]);
  });
});
