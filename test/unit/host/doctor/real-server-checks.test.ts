import { describe, expect, test } from "bun:test";

import { judgeAll } from "../../../../src/host/doctor/outcome.ts";
import { realServerChecks, setupCommand } from "../../../../src/host/doctor/real-server-checks.ts";
import type { RealServerFacts } from "../../../../src/host/doctor/real-server-checks.ts";
import { fakeAddress, fakeInterface } from "../../../helpers/fake-host.ts";

const mend = "appliance setup realserver --vip 192.0.2.100";
const settings = (values: Record<string, string>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries({
      "all/arp_ignore": "1",
      "all/arp_announce": "2",
      ...values,
    }).map(([key, value]) => [`net/ipv4/conf/${key}`, value]),
  );

const good: RealServerFacts = {
  vips: ["192.0.2.100"],
  method: "gate",
  interfaces: [
    fakeInterface("lo", { isLoopback: true, usesArp: false }),
    fakeInterface("eth0"),
    fakeInterface("eth1", { isUp: false }),
  ],
  addresses: [fakeAddress("eth0", "192.0.2.7/24"), fakeAddress("lo", "192.0.2.100/32", "lo:0")],
  settings: settings({}),
  tunnels: [],
  listeners: [{ protocol: "tcp", address: "0.0.0.0", port: 80 }],
  ports: [],
  init: "systemd",
  fileSteps: [],
};

function findings(change: Partial<RealServerFacts>) {
  return judgeAll(realServerChecks, { ...good, ...change })
    .filter(({ state }) => state === "wrong")
    .map(({ id, text, remedy }) => [id, text, remedy]);
}

test("a host that is as it should be has no findings, each check said something", () => {
  const outcomes = judgeAll(realServerChecks, good);
  expect(outcomes.map(({ id, state, text }) => `${id} ${state}: ${text}`)).toEqual([
    "vip-on-lo ok: 192.0.2.100/32 is on lo:0",
    "arp-ignore ok: arp_ignore of eth0 is 1",
    "arp-announce ok: arp_announce of eth0 is 2",
    "persistence ok: kept over a reboot by systemd",
    "listener ok: TCP ports served at 192.0.2.100: 80",
  ]);
});

const tunnels = [{ module: "ipip", interface: "tunl0" }];
const withTunnel = (isUp: boolean) => [
  ...good.interfaces,
  fakeInterface("tunl0", { isUp, usesArp: false }),
];

// One row a thing that can be broken: facts, check, text, what mends it.
test.each([
  [
    { addresses: [] },
    ["vip-on-lo", "192.0.2.100 is not on lo: packets for it are not taken", mend],
  ],
  [
    { addresses: [fakeAddress("lo", "192.0.2.100/24", "lo:0")] },
    [
      "vip-on-lo",
      "192.0.2.100/24 on lo:0 makes its whole network local",
      `ip address del 192.0.2.100/24 dev lo && ${mend}`,
    ],
  ],
  [
    { addresses: [...good.addresses, fakeAddress("eth0", "192.0.2.100/24")] },
    [
      "vip-elsewhere",
      "192.0.2.100 is on eth0, where this host answers the LAN for it",
      "ip address del 192.0.2.100/24 dev eth0",
    ],
  ],
  [
    { settings: settings({ "all/arp_ignore": "0" }) },
    ["arp-ignore", "arp_ignore of eth0 is 0: the host answers ARP for 192.0.2.100 there", mend],
  ],
  [
    // The larger value is in force, and 3 answers for addresses of lo.
    { settings: settings({ "eth0/arp_ignore": "3" }) },
    ["arp-ignore", "arp_ignore of eth0 is 3: the host answers ARP for 192.0.2.100 there", mend],
  ],
  [
    { settings: settings({ "all/arp_announce": "1" }) },
    [
      "arp-announce",
      "arp_announce of eth0 is 1: the host tells the LAN in its own ARP requests that it has " +
        "192.0.2.100 there",
      mend,
    ],
  ],
  [
    { tunnels, method: "ipip" },
    ["tunnel", "tunl0 is not there (kernel module ipip)", `${mend} --method ipip`],
  ],
  [
    { tunnels, method: "ipip", interfaces: withTunnel(false) },
    ["tunnel", "tunl0 is down", `${mend} --method ipip`],
  ],
  [
    {
      tunnels,
      method: "ipip",
      interfaces: withTunnel(true),
      settings: settings({ "all/rp_filter": "1" }),
    },
    ["tunnel", "rp_filter of tunl0 drops what comes out of the tunnel", `${mend} --method ipip`],
  ],
  [
    { fileSteps: [{ kind: "file", path: "/etc/x", from: undefined, to: "" }] },
    ["persistence", "not kept over a reboot: /etc/x missing or different", mend],
  ],
  [
    { ports: [{ vip: "192.0.2.100", protocol: "udp", port: 80 }] },
    [
      "listener",
      "nothing listens at 192.0.2.100, udp port 80",
      "start the server, on all addresses or on 192.0.2.100; ss -ln shows who listens",
    ],
  ],
] as [Partial<RealServerFacts>, string[]][])("%j is found by %p", (change, expected) => {
  expect(findings(change)).toEqual([expected]);
});

describe("listener", () => {
  test.each([
    ["192.0.2.100", "192.0.2.100", true],
    ["192.0.2.100", "::", true],
    ["192.0.2.100", "::ffff:192.0.2.100", true],
    ["192.0.2.100", "127.0.0.1", false],
    ["2001:db8::100", "::", true],
    ["2001:db8::100", "0.0.0.0", false],
  ])("at %s is one bound to %s: %p", (vip, address, serves) => {
    const found = findings({
      vips: [vip],
      addresses: [fakeAddress("lo", `${vip}/${vip.includes(":") ? 128 : 32}`)],
      ports: [{ vip, protocol: "tcp", port: 80 }],
      listeners: [{ protocol: "tcp", address, port: 80 }],
    });
    expect(found.length === 0).toBe(serves);
  });

  test("is unknown without a configuration when nothing listens", () => {
    const outcomes = judgeAll(realServerChecks, { ...good, listeners: [] });
    expect(outcomes.at(-1)?.state).toBe("unknown");
  });
});

test("a host without systemd and ifupdown gets a note", () => {
  const outcomes = judgeAll(realServerChecks, { ...good, init: "none" });
  expect(outcomes.find(({ id }) => id === "persistence")?.state).toBe("note");
});

test("IPv6 needs no silence", () => {
  const vips = ["2001:db8::100"];
  const addresses = [fakeAddress("lo", "2001:db8::100/128")];
  expect(findings({ vips, addresses, settings: new Map() })).toEqual([]);
});

test("setupCommand() names method and every address", () => {
  expect(setupCommand({ vips: ["192.0.2.1", "2001:db8::1"], method: "ipip" })).toBe(
    "appliance setup realserver --vip 192.0.2.1 --vip 2001:db8::1 --method ipip",
  );
});
