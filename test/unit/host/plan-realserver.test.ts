import { describe, expect, test } from "bun:test";

import { detectInit, planRealServer, tunnelsFor } from "../../../src/host/plan-realserver.ts";
import type { RealServerWish } from "../../../src/host/plan-realserver.ts";
import { formatStep } from "../../../src/host/step.ts";
import { createFakeHost, fakeAddress, fakeInterface } from "../../helpers/fake-host.ts";

const wish: RealServerWish = {
  vips: ["192.0.2.100"],
  method: "gate",
  interfaces: undefined,
  persist: false,
  program: ["/usr/sbin/appliance"],
  environment: {},
};

function planOf(
  change: Partial<RealServerWish>,
  prepare: (state: ReturnType<typeof createFakeHost>["state"]) => void = () => undefined,
) {
  const { state, host } = createFakeHost();
  prepare(state);
  const plan = planRealServer(host, { ...wish, ...change });
  expect(state.log).toEqual([]);
  return { ...plan, steps: plan.steps.map(formatStep) };
}

describe("planRealServer()", () => {
  test("makes the host silent before it gets the address", () => {
    expect(planOf({})).toEqual({
      steps: [
        "set net.ipv4.conf.all.arp_ignore = 1 (is 0)",
        "set net.ipv4.conf.eth0.arp_ignore = 1 (is 0)",
        "set net.ipv4.conf.all.arp_announce = 2 (is 0)",
        "set net.ipv4.conf.eth0.arp_announce = 2 (is 0)",
        "add 192.0.2.100/32 on lo as lo:0",
      ],
      refusals: [],
      unsupported: [],
      notes: [],
    });
  });

  test("gives each address a label of its own, and none that is taken", () => {
    const vips = ["192.0.2.100", "192.0.2.101", "2001:db8::100"];
    const { steps } = planOf({ vips }, ({ addresses }) =>
      addresses.push(fakeAddress("lo", "203.0.113.1/32", "lo:1")),
    );
    expect(steps.slice(-3)).toEqual([
      "add 192.0.2.100/32 on lo as lo:0",
      "add 192.0.2.101/32 on lo as lo:2",
      "add 2001:db8::100/128 on lo",
    ]);
  });

  test.each(["lo", "lo:0", "lo:vip"])("adopts an address that is on %s", (label) => {
    const { steps, refusals } = planOf({}, ({ addresses }) =>
      addresses.push(fakeAddress("lo", "192.0.2.100/32", label)),
    );
    expect(steps.filter((step) => step.startsWith("add"))).toEqual([]);
    expect(refusals).toEqual([]);
  });

  test("narrows an adopted address that makes its network local", () => {
    const { steps } = planOf({}, ({ addresses }) =>
      addresses.push(fakeAddress("lo", "192.0.2.100/24", "lo:0")),
    );
    expect(steps.at(-1)).toBe("narrow 192.0.2.100 on lo:0 to /32 (is /24)");
  });

  test("refuses one whose label is not its own", () => {
    const { steps, refusals } = planOf({}, ({ addresses }) =>
      addresses.push(fakeAddress("lo", "192.0.2.100/24")),
    );
    expect(steps.some((step) => step.startsWith("narrow"))).toBe(false);
    expect(refusals).toEqual([
      "192.0.2.100 is on lo with /24, which makes the whole network local; first: " +
        "ip address del 192.0.2.100/24 dev lo",
    ]);
  });

  test("leaves stricter values, lowers what would answer, and says both", () => {
    const { steps, notes } = planOf({}, ({ settings }) => {
      settings.set("net/ipv4/conf/all/arp_ignore", "8");
      settings.set("net/ipv4/conf/eth0/arp_ignore", "3");
    });
    expect(steps.filter((step) => step.includes("arp_ignore"))).toEqual([
      "set net.ipv4.conf.eth0.arp_ignore = 1 (is 3)",
    ]);
    expect(notes).toEqual([
      "net.ipv4.conf.all.arp_ignore is 8, which is stricter: left as it is",
      "net.ipv4.conf.eth0.arp_ignore = 3 would answer for 192.0.2.100: lowered",
    ]);
  });

  test("sets the interfaces that are named, and refuses one that is not there", () => {
    const named = planOf({ interfaces: ["eth1"] }, ({ interfaces, settings }) => {
      interfaces.push(fakeInterface("eth1"));
      settings.set("net/ipv4/conf/eth1/arp_ignore", "0");
    });
    expect(named.steps.filter((step) => step.includes("arp_ignore"))).toEqual([
      "set net.ipv4.conf.all.arp_ignore = 1 (is 0)",
      "set net.ipv4.conf.eth1.arp_ignore = 1 (is 0)",
    ]);
    expect(planOf({ interfaces: ["eth9"] }).refusals).toEqual(["no interface eth9"]);
  });

  test("needs no silence for IPv6, whose addresses on lo nobody is told of", () => {
    expect(planOf({ vips: ["2001:db8::100"] }).steps).toEqual(["add 2001:db8::100/128 on lo"]);
  });

  test("says where IPv6 is turned off or missing", () => {
    const vips = ["2001:db8::100"];
    const off = planOf({ vips }, ({ settings }) =>
      settings.set("net/ipv6/conf/lo/disable_ipv6", "1"),
    );
    expect(off.refusals).toEqual(["IPv6 is turned off on lo (net.ipv6.conf.lo.disable_ipv6 = 1)"]);
    const none = planOf({ vips }, ({ settings }) =>
      settings.delete("net/ipv6/conf/lo/disable_ipv6"),
    );
    expect(none.unsupported).toEqual(["this kernel has no IPv6"]);
  });

  test("starts an lo that is down", () => {
    const { steps } = planOf({}, (state) => {
      state.interfaces = state.interfaces.map((one) => ({ ...one, isUp: one.name !== "lo" }));
    });
    expect(steps.at(-2)).toBe("start lo");
  });

  test("tells all refusals at once", () => {
    const { refusals } = planOf({ vips: ["127.0.0.1", "192.0.2.7"] });
    expect(refusals).toHaveLength(2);
  });
});

describe("planRealServer() for ipip", () => {
  const ipip = { method: "ipip" } as const;

  test.each([
    [["192.0.2.100"], "method ipip needs the kernel module ipip, which is missing"],
    [["2001:db8::100"], "method ipip needs the kernel module ip6_tunnel, which is missing"],
  ])("of %p names what the kernel lacks", (vips, text) => {
    expect(planOf({ ...ipip, vips }).unsupported).toEqual([text]);
  });

  test("loads the module first", () => {
    const { steps, notes } = planOf(ipip, ({ modules }) => modules.set("ipip", "loadable"));
    expect(steps).toContain("load kernel module ipip");
    expect(notes).toEqual(["tunl0 is set up once module ipip is loaded"]);
  });

  test("says that a namespace has no tunnel though the kernel has the module", () => {
    const { unsupported } = planOf(ipip, ({ modules }) => modules.set("ipip", "present"));
    expect(unsupported).toEqual(["method ipip needs tunl0, which this network namespace lacks"]);
  });

  // rp_filter of all, of eth0, of tunl0: what setup sets. In force on eth0 stays what was.
  test.each([
    ["0", "1", "0", []],
    ["0", "0", "1", ["tunl0.rp_filter = 0 (is 1)"]],
    ["0", "0", "2", ["tunl0.rp_filter = 0 (is 2)"]],
    [
      "1",
      "0",
      "0",
      ["lo.rp_filter = 1 (is 0)", "eth0.rp_filter = 1 (is 0)", "all.rp_filter = 0 (is 1)"],
    ],
    [
      "1",
      "2",
      "1",
      ["lo.rp_filter = 1 (is 0)", "all.rp_filter = 0 (is 1)", "tunl0.rp_filter = 0 (is 1)"],
    ],
    [
      "2",
      "1",
      "0",
      ["lo.rp_filter = 2 (is 0)", "eth0.rp_filter = 2 (is 1)", "all.rp_filter = 0 (is 2)"],
    ],
  ])("with rp_filter %s for all, %s for eth0, %s for tunl0 sets %p", (all, eth0, own, expected) => {
    const { steps } = planOf(ipip, ({ interfaces, settings }) => {
      interfaces.push(fakeInterface("tunl0", { isUp: false, usesArp: false }));
      settings.set("net/ipv4/conf/all/rp_filter", all);
      settings.set("net/ipv4/conf/eth0/rp_filter", eth0);
      settings.set("net/ipv4/conf/tunl0/rp_filter", own);
    });
    expect(steps).toContain("start tunl0");
    const found = steps.filter((one) => one.includes("rp_filter"));
    expect(found).toEqual(expected.map((text) => `set net.ipv4.conf.${text}`));
  });
});

describe("planRealServer() over a reboot", () => {
  const persist = { persist: true };

  test("writes a drop-in and an enabled unit for systemd", () => {
    expect(planOf(persist).steps.slice(-3)).toEqual([
      "write /etc/sysctl.d/60-appliance-realserver.conf",
      "write /etc/systemd/system/appliance-realserver.service",
      "link /etc/systemd/system/multi-user.target.wants/appliance-realserver.service to " +
        "/etc/systemd/system/appliance-realserver.service",
    ]);
  });

  test("writes a stanza for ifupdown, and says that it is not read", () => {
    const { steps, notes } = planOf(persist, ({ files }) => {
      files.clear();
      files.set("/etc/network/interfaces.d", "");
      files.set("/etc/network/interfaces", "auto lo\n");
    });
    expect(steps.at(-1)).toBe("write /etc/network/interfaces.d/appliance-realserver");
    expect(notes).toEqual([
      "/etc/network/interfaces does not read interfaces.d; add: source /etc/network/interfaces.d/*",
    ]);
  });

  test("says that nothing keeps it elsewhere", () => {
    const { notes } = planOf(persist, ({ files }) => files.clear());
    expect(notes).toEqual([
      "neither systemd nor ifupdown is here: nothing keeps this over a reboot",
    ]);
  });
});

test.each([
  [["/run/systemd/system"], "systemd"],
  [["/usr/lib/systemd/systemd", "/etc/network/interfaces.d"], "systemd"],
  [["/etc/network/interfaces.d"], "ifupdown"],
  [[], "none"],
] as const)("detectInit() with %p is %p", (paths, init) => {
  expect(detectInit({ exists: (path) => (paths as readonly string[]).includes(path) })).toBe(init);
});

test("tunnelsFor() has one a family, and none for gate", () => {
  const both = ["192.0.2.1", "2001:db8::1"];
  expect(tunnelsFor(both, "gate")).toEqual([]);
  expect(tunnelsFor(both, "ipip").map((one) => one.interface)).toEqual(["tunl0", "ip6tnl0"]);
});
