import { describe, expect, test } from "bun:test";

import { readHaresources } from "../../../../../src/config/import/heartbeat/haresources.ts";
import { createLines } from "./fixture.ts";

function read(text: string) {
  const { told, warnings } = createLines();
  return { groups: readHaresources({ file: "haresources", text }, told), warnings: warnings() };
}

/** The one address of a line. */
function address(text: string) {
  const { groups, warnings } = read(`lb1 ${text}\n`);
  return { resource: groups[0]?.resources[0], warnings };
}

describe("readHaresources()", () => {
  test("reads the line of the pair in the manuals", () => {
    const text =
      "lb1 \\\n  ldirectord::ldirectord.cf \\\n  LVSSyncDaemonSwap::master \\\n" +
      "  IPaddr2::192.0.2.105/24/eth0/192.0.2.255\n";
    const { groups, warnings } = read(text);
    expect(warnings).toEqual([]);
    expect(groups).toEqual([
      {
        file: "haresources",
        line: 1,
        node: "lb1",
        resources: [
          { kind: "ldirectord", config: "ldirectord.cf" },
          { kind: "sync" },
          {
            kind: "address",
            address: "192.0.2.105",
            prefixBits: 24,
            interface: "eth0",
            label: undefined,
          },
        ],
      },
    ]);
  });

  test.each([
    ["192.0.2.1", "192.0.2.1", undefined, undefined, undefined],
    ["192.0.2.1/24/eth0", "192.0.2.1", 24, "eth0", undefined],
    ["IPaddr::192.0.2.1/24/eth0:1", "192.0.2.1", 24, "eth0", "eth0:1"],
    ["IPaddr::192.0.2.1/255.255.255.0", "192.0.2.1", 24, undefined, undefined],
    ["IPaddr2::192.0.2.1/24/192.0.2.255", "192.0.2.1", 24, undefined, undefined],
    ["IPaddr2::192.0.2.1/24/192.0.2.255/eth0", "192.0.2.1", 24, "eth0", undefined],
    ["IPaddr::192.0.2.1/eth0", "192.0.2.1", undefined, "eth0", undefined],
    ["IPv6addr::2001:db8::1/64/eth0", "2001:db8::1", 64, "eth0", undefined],
    ["2001:db8::1/64/eth0", "2001:db8::1", 64, "eth0", undefined],
    ["IPaddr2::2001:DB8:0:0:0:0:0:1/64", "2001:db8::1", 64, undefined, undefined],
  ])("%s is an address", (text, value, prefixBits, name, label) => {
    const { resource, warnings } = address(text);
    expect(warnings).toEqual([]);
    expect(resource).toEqual({
      kind: "address",
      address: value,
      prefixBits,
      interface: name,
      label,
    });
  });

  test.each([
    ["192.0.2.1//24/eth0", 24, "eth0", "has an empty part, which is skipped"],
    ["192.0.2.1/24/eth0/192.0.2.127", 24, "eth0", '"192.0.2.127" of "192.0.2.1/24/eth0/192.0.2.12'],
    ["192.0.2.1/99/eth0", undefined, "eth0", '"99" of "192.0.2.1/99/eth0" is left out: it is no'],
    ["192.0.2.1/24/eth0:a-long-label-1", 24, "eth0", "has more than 15 characters"],
  ])("%s is an address with a remark", (text, prefixBits, name, message) => {
    const { resource, warnings } = address(text);
    expect(resource).toMatchObject({ kind: "address", prefixBits, interface: name });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(message);
  });

  test("scripts keep their arguments and their order", () => {
    const { groups, warnings } = read(
      "db1 drbddisk::r0 Filesystem::/dev/drbd0::/srv::ext4 mysql /opt/x::a 192.0.2.1\n",
    );
    expect(warnings).toEqual([]);
    expect(groups[0]?.resources).toMatchObject([
      { kind: "script", script: "drbddisk", args: ["r0"] },
      { kind: "script", script: "Filesystem", args: ["/dev/drbd0", "/srv", "ext4"] },
      { kind: "script", script: "mysql", args: [] },
      { kind: "script", script: "/opt/x", args: ["a"] },
      { kind: "address" },
    ]);
  });

  test("ldirectord without an argument has its default file", () => {
    expect(read("lb1 ldirectord\n").groups[0]?.resources).toEqual([
      { kind: "ldirectord", config: "ldirectord.cf" },
    ]);
  });

  test.each([
    ["a template", "<% each %>\n", '1: The line is left out: "<%" is no node name'],
    ["an address first", "192.0.2.1 x\n", '1: The line is left out: "192.0.2.1" is no node name'],
    ["a node alone", "\nlb1\n", "2: The line is left out: it names no resource"],
    [
      "a word of a template",
      "lb1 {{ x }}\n",
      '1: "{{" is left out: it is no address and no script',
    ],
    ["no script", "lb1 =::a\n", '1: "=::a" is left out: it is no address and no script'],
    ["IPaddr without an address", "lb1 IPaddr\n", '1: "" is left out: expected an address'],
    ["IPaddr of a name", "lb1 IPaddr::vip/24\n", '1: "vip/24" is left out: expected an address'],
  ])("tells of %s", (_, text, expected) => {
    const { warnings } = read(text);
    expect(warnings.some((line) => line.startsWith(expected))).toBe(true);
  });

  test("has a bound for resources", () => {
    const { groups, warnings } = read(`a${" x".repeat(999)}\nb y z\nc q\n`);
    expect(groups.map(({ resources }) => resources.length)).toEqual([999, 1]);
    expect(warnings).toHaveLength(2);
  });
});
