import { describe, expect, test } from "bun:test";

import { directorChecks } from "../../../../src/host/doctor/director-checks.ts";
import type { DirectorFacts } from "../../../../src/host/doctor/director-checks.ts";
import { judgeAll } from "../../../../src/host/doctor/outcome.ts";
import { fakeAddress, fakeInterface } from "../../../helpers/fake-host.ts";

const vip = "192.0.2.100";
const server = "02:00:00:00:00:11";
const stranger = "02:00:00:00:00:99";
const another = "02:00:00:00:00:98";

function lan(...holders: string[]): DirectorFacts["lan"] {
  return {
    answers: [
      { address: vip, interface: "eth0", holders },
      { address: "192.0.2.11", interface: "eth0", holders: [server] },
    ],
    failures: [],
  };
}

const good: DirectorFacts = {
  vips: [vip],
  realServers: ["192.0.2.11"],
  services: [
    { name: "web", engine: "proxy", forwarding: "proxy", scheduler: "wlc", families: [4] },
  ],
  interfaces: [fakeInterface("lo", { isLoopback: true }), fakeInterface("eth0")],
  addresses: [fakeAddress("eth0", "192.0.2.7/24"), fakeAddress("eth0", `${vip}/24`)],
  lan: lan(),
  clientPaths: [],
  plan: { steps: [], refusals: [], unsupported: [], notes: [] },
  descriptorsNeeded: 1000,
  descriptorsLimit: 4096,
  lateness: { medianMs: 0.1, p99Ms: 0.5, maxMs: 2 },
  managers: [],
  ruleset: "table inet filter {\n\tip daddr 198.51.100.1 drop\n}\n",
  flushFiles: [],
  bpfRefusal: undefined,
  hasIpvs: false,
};

function outcomesOf(change: Partial<DirectorFacts>, id: string) {
  return judgeAll(directorChecks, { ...good, ...change })
    .filter((one) => one.id === id)
    .map(({ state, text, remedy }) => [state, text, remedy].filter((one) => one !== undefined));
}

test("a good director has no findings, and is told the timing it can keep", () => {
  const outcomes = judgeAll(directorChecks, good);
  expect(outcomes.filter(({ state }) => state === "wrong")).toEqual([]);
  expect(outcomesOf({}, "wake-ups")).toEqual([
    [
      "ok",
      "wake-ups are late by 0.5 ms (99 of 100), 2.0 ms at most; profile lan: " +
        'advertise_interval = "20ms", down_after = "300ms"',
    ],
  ]);
});

describe("vip-answers", () => {
  const elsewhere = [fakeAddress("eth0", "192.0.2.7/24"), fakeAddress("lo", `${vip}/32`)];
  const wrongServer = [
    "wrong",
    `real server 192.0.2.11 (${server}) answers the LAN for ${vip} on eth0`,
    `on 192.0.2.11: appliance setup realserver --vip ${vip}`,
  ];
  const find = (who: string) =>
    `find ${who} in the switch's table or in ip neigh; one host may answer`;

  test.each([
    [[], good.addresses, [["ok", `nobody else answers for ${vip} on eth0`]]],
    [[], elsewhere, [["note", `nobody answers for ${vip} on eth0: no director is active for it`]]],
    [[server], good.addresses, [wrongServer]],
    [[server], elsewhere, [wrongServer]],
    [
      [stranger],
      elsewhere,
      [["note", `${vip} on eth0 is answered by ${stranger}: the active director?`]],
    ],
    [
      [stranger],
      good.addresses,
      [
        [
          "wrong",
          `${vip} on eth0: this host has it, and it is also answered by ${stranger}`,
          find(stranger),
        ],
      ],
    ],
    [
      [another, stranger],
      elsewhere,
      [
        [
          "wrong",
          `${vip} on eth0: answered by ${another}, ${stranger}`,
          find(`${another}, ${stranger}`),
        ],
      ],
    ],
    // Its own second interface on the LAN is nobody else.
    [["02:00:00:00:00:01"], good.addresses, [["ok", `nobody else answers for ${vip} on eth0`]]],
  ] as const)("answered by %p, with the addresses %j", (holders, addresses, expected) => {
    const found = outcomesOf({ lan: lan(...holders), addresses }, "vip-answers");
    expect(found).toEqual(expected as unknown as string[][]);
  });

  test("says what it could not ask", () => {
    const failures = ["cannot ask on eth0: EPERM"];
    expect(outcomesOf({ lan: { answers: [], failures } }, "vip-answers")).toEqual([
      ["unknown", "cannot ask on eth0: EPERM"],
    ]);
  });
});

describe("kernel-settings", () => {
  test("names each step and what the kernel lacks", () => {
    const plan = {
      ...good.plan,
      steps: [{ kind: "sysctl", key: "net/ipv4/ip_forward", from: "0", to: "1" } as const],
      unsupported: ["the engine ipvs needs the kernel module ip_vs, which is missing"],
    };
    expect(outcomesOf({ plan }, "kernel-settings")).toEqual([
      [
        "wrong",
        "the engine ipvs needs the kernel module ip_vs, which is missing",
        "install a kernel that has it, or choose another engine",
      ],
      ["wrong", "still to be done: set net.ipv4.ip_forward = 1 (is 0)", "appliance setup director"],
    ]);
  });
});

describe("firewall-rules", () => {
  const ruleset = `table inet filter {\n\tip daddr ${vip} drop\n}\n`;

  test("notes a rule that comes before the proxy", () => {
    expect(outcomesOf({ ruleset }, "firewall-rules")).toEqual([
      [
        "note",
        `inet filter: "ip daddr ${vip} drop" names a virtual address; it comes before the proxy`,
      ],
    ]);
  });

  test("finds one that the engine bpf passes by", () => {
    const services = [{ ...good.services[0]!, engine: "bpf" as const }];
    expect(outcomesOf({ ruleset, services }, "firewall-rules")).toEqual([
      [
        "wrong",
        `inet filter: "ip daddr ${vip} drop" does not see what the engine bpf forwards`,
        "use allow and deny of the service instead",
      ],
    ]);
  });

  test("is unknown where the rules cannot be read", () => {
    const found = outcomesOf({ ruleset: undefined }, "firewall-rules");
    expect(found).toEqual([["unknown", "the rules of nft cannot be read"]]);
  });
});

test("firewall-flush is a finding where bpf is not permitted", () => {
  const flushFiles = ["/etc/nftables.conf"];
  expect(outcomesOf({ flushFiles }, "firewall-flush")[0]?.[0]).toBe("note");
  const found = outcomesOf({ flushFiles, bpfRefusal: "EPERM" }, "firewall-flush");
  expect(found[0]?.[0]).toBe("wrong");
});

test("descriptors that do not suffice are a finding, no limit suffices", () => {
  expect(outcomesOf({ descriptorsNeeded: 5000 }, "descriptors")[0]?.[0]).toBe("wrong");
  expect(outcomesOf({ descriptorsLimit: undefined }, "descriptors")[0]?.[0]).toBe("ok");
});

test("wake-ups that are too late for a fast takeover are a finding", () => {
  const lateness = { medianMs: 1, p99Ms: 80, maxMs: 900 };
  expect(outcomesOf({ lateness }, "wake-ups")).toEqual([
    [
      "wrong",
      "wake-ups are late by 80.0 ms (99 of 100), 900.0 ms at most: too late for a fast takeover",
      'use advertise_interval = "1s", down_after = "3s", or less load',
    ],
  ]);
});

describe("other-managers", () => {
  test.each(["ldirectord", "keepalived", "heartbeat"] as const)("finds %s", (name) => {
    expect(outcomesOf({ managers: [{ name, pid: 7 }] }, "other-managers")).toEqual([
      [
        "wrong",
        `${name} runs here, process 7: two cannot manage one host`,
        `systemctl disable --now ${name}`,
      ],
    ]);
  });

  test("finds a second director, not the first", () => {
    const one = { name: "appliance", pid: 7 } as const;
    expect(outcomesOf({ managers: [one] }, "other-managers")[0]?.[0]).toBe("ok");
    const found = outcomesOf({ managers: [one, { ...one, pid: 8 }] }, "other-managers");
    expect(found).toEqual([
      ["wrong", "several directors run here, processes 7, 8", "end one of them"],
    ]);
  });
});

test("engines tells what the kernel offers", () => {
  expect(outcomesOf({ hasIpvs: true, bpfRefusal: "EPERM" }, "engines")).toEqual([
    ["note", "the kernel has IPVS"],
    ["note", "bpf programs are not permitted here: EPERM"],
  ]);
});

test("engines finds services that need what is not permitted", () => {
  const services = [{ ...good.services[0]!, engine: "ipvs", withoutIpvs: "bpf" } as const];
  const [, found] = outcomesOf({ services, hasIpvs: false, bpfRefusal: "EPERM" }, "engines");
  expect(found?.slice(0, 2)).toEqual([
    "wrong",
    `bpf programs are not permitted here: EPERM; the engine bpf is to carry ${services[0]!.name}`,
  ]);
});
