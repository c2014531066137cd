import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import { told, translate } from "./fixture.ts";

/** The `[[vrrp]]` of a translation. */
function routers(result: ReturnType<typeof translate>) {
  return (parse(result.toml)["vrrp"] ?? []) as Record<string, unknown>[];
}

const networks = [{ interface: "eth1", address: "192.0.2.1", prefixBits: 25 }];

describe("translateGroup()", () => {
  test("writes what a line and ha.cf say", () => {
    const result = translate({
      haCf: "keepalive 2\ndeadtime 30\ninitdead 60\nbcast eth0\nauto_failback on\nnode lb1 lb2\n",
      authkeys: "auth 1\n1 sha1 secret\n",
    });
    expect(routers(result)).toEqual([
      {
        name: "lb1",
        interface: "eth0",
        vrid: 239,
        version: 3,
        priority: 150,
        addresses: ["192.0.2.100/24"],
        key_file: "/etc/appliance/vrrp.key",
        advertise_interval: "2s",
        down_after: "30s",
        preempt: true,
        start_delay: "30s",
      },
    ]);
  });

  test("each line is a virtual router, also of one node", () => {
    const haresources =
      "lb1 192.0.2.100/24/eth0\nlb2 192.0.2.101/24/eth0\nlb1 192.0.2.102/24/eth0\n";
    const found = routers(translate({ haresources }));
    expect(found.map(({ name, vrid, priority }) => [name, vrid, priority])).toEqual([
      ["lb1", 239, 150],
      ["lb2", 240, 100],
      ["lb1-2", 241, 150],
    ]);
  });

  test.each([
    ["off", false],
    ["on", true],
    ["legacy", true],
  ])("auto_failback %s is preempt %p", (word, expected) => {
    const haCf = `bcast eth0\nnode lb1 lb2\nauto_failback ${word}\n`;
    expect(routers(translate({ haCf }))[0]).toMatchObject({ preempt: expected });
  });

  test("an address on another interface, and one with a label", () => {
    const haresources = "lb1 192.0.2.100/24/eth1 192.0.2.101/24/eth0:0 192.0.2.102/32/eth0\n";
    expect(routers(translate({ haresources }))[0]?.["addresses"]).toEqual([
      { address: "192.0.2.100/24", interface: "eth1" },
      { address: "192.0.2.101/24", label: "eth0:0" },
      "192.0.2.102/32",
    ]);
  });

  test("what an address does not say is that of the host's network", () => {
    const found = translate({ haresources: "lb1 192.0.2.100\n" }, { networks });
    expect(routers(found)[0]?.["addresses"]).toEqual([
      { address: "192.0.2.100/25", interface: "eth1" },
    ]);
  });

  test("without such a network it goes to the first interface, with a warning", () => {
    const found = translate({ haresources: "lb1 198.51.100.1\n" }, { networks });
    expect(routers(found)[0]?.["addresses"]).toEqual(["198.51.100.1"]);
    expect(told(found).join("\n")).toContain("it goes to eth0");
    expect(told(found).join("\n")).toContain("198.51.100.1 has no mask");
  });

  test("addresses of the other family are not in the advertisement", () => {
    const found = routers(
      translate({ haresources: "lb1 192.0.2.100/24/eth0 2001:db8::100/64/eth0\n" }),
    );
    expect(found[0]).toMatchObject({
      addresses: ["192.0.2.100/24"],
      excluded_addresses: ["2001:db8::100/64"],
    });
  });

  test("several media are several interfaces", () => {
    const found = routers(translate({ haCf: "bcast eth0\nmcast ha0\nnode lb1 lb2\n" }));
    expect(found[0]).toMatchObject({ interfaces: ["eth0", "ha0"] });
    expect(found[0]).not.toHaveProperty("interface");
  });

  test("without a medium the address's interface is taken", () => {
    const result = translate({ haCf: "serial /dev/ttyS0\nauto_failback off\nnode lb1 lb2\n" });
    expect(routers(result)[0]).toMatchObject({ interface: "eth0" });
    expect(told(result)).toContain("ha.cf:0: No medium can be used: advertisements go out on eth0");
  });

  test("without any interface it says what is missing", () => {
    const haCf = "auto_failback off\nnode lb1 lb2\n";
    const result = translate({ haCf, haresources: "lb1 192.0.2.100/24\n" });
    expect(told(result)).toContain("haresources:1: No interface is known: add the key interface");
    expect(told(result).join("\n")).toContain("got neither interface nor interfaces");
  });

  test("peers of the other family are left out", () => {
    const haCf = "ucast eth0 2001:db8::2\nauto_failback off\nnode lb1 lb2\n";
    const result = translate({ haCf });
    expect(routers(result)[0]).not.toHaveProperty("peers");
    expect(told(result)).toContain(
      "haresources:1: Peers that are not IPv4, as the addresses are, are left out: " +
        "advertisements go out by multicast",
    );
  });

  test("scripts keep their order and say what they stand before", () => {
    const haresources = "lb1 drbddisk::r0 192.0.2.100/24/eth0 db /opt/x::a\n";
    const findScript = (name: string) => (name === "db" ? "/etc/init.d/db" : undefined);
    const result = translate({ haresources }, { findScript });
    expect(routers(result)[0]?.["resources"]).toEqual([
      ["/etc/ha.d/resource.d/drbddisk", "r0"],
      ["/etc/init.d/db"],
      ["/opt/x", "a"],
    ]);
    expect(told(result)).toContain(
      'haresources:1: Script "drbddisk" is written as it is, ' +
        "but neither /etc/ha.d/resource.d nor /etc/init.d has it",
    );
    expect(told(result)).toContain(
      'haresources:1: Script "drbddisk" stands before an address: ' +
        "here resources start once all addresses are there",
    );
  });

  test("a line without an address is left out", () => {
    const result = translate({ haresources: "lb1 db\nlb1 192.0.2.100/24/eth0\n" });
    expect(routers(result)).toHaveLength(1);
    expect(told(result)).toContain(
      'haresources:1: The line of "lb1" is left out: it has no virtual address',
    );
  });
});
