import { describe, expect, test } from "bun:test";

import { readHaCf } from "../../../../../src/config/import/heartbeat/ha-cf.ts";
import { directivesWithoutEqual } from "../../../../../src/config/import/heartbeat/no-equal.ts";
import { createLines } from "./fixture.ts";

function read(text: string) {
  const { told, warnings } = createLines();
  return { haCf: readHaCf({ file: "ha.cf", text }, told), warnings: warnings() };
}

describe("readHaCf()", () => {
  test("reads the file of the pair in the manuals", () => {
    const { haCf, warnings } = read(
      "keepalive 2\ndeadtime 30\ninitdead 120\nbcast eth0 eth1\nauto_failback off\n" +
        "node loadb1\nnode loadb2\nping 192.0.2.1\nrespawn hacluster /usr/lib/heartbeat/ipfail\n" +
        "autojoin none\nrealtime on\ncrm off\n",
    );
    expect(warnings).toEqual([]);
    expect(haCf.nodes.map(({ value }) => value)).toEqual(["loadb1", "loadb2"]);
    expect(haCf.media.map(({ interface: name, line }) => [name, line])).toEqual([
      ["eth0", 4],
      ["eth1", 4],
    ]);
    expect([...haCf.times].map(([name, { value, line }]) => [name, value, line])).toEqual([
      ["keepalive", 2000, 1],
      ["deadtime", 30_000, 2],
      ["initdead", 120_000, 3],
    ]);
    expect(haCf.autoFailback).toMatchObject({ value: "off", line: 5 });
    expect(haCf.pings).toMatchObject([{ value: "192.0.2.1", line: 8 }]);
    expect(haCf.hasIpfail).toBe(true);
  });

  test.each([
    ["auto_failback yes", "on"],
    ["auto_failback OFF", "off"],
    ["auto_failback legacy", "legacy"],
    ["nice_failback on", "off"],
    ["nice_failback on\nauto_failback on", "on"],
    ["auto_failback on\nnice_failback on", "on"],
    ["", undefined],
    ["auto_failback perhaps", undefined],
  ])("auto_failback of %j is %p", (text, expected) => {
    expect(read(text).haCf.autoFailback?.value).toBe(expected as never);
  });

  test.each([
    ["mcast eth0", "eth0", undefined],
    ["mcast6 eth0", "eth0", undefined],
    ["ucast eth1 192.0.2.2", "eth1", "192.0.2.2"],
    ["ucast6 eth1 2001:db8::2", "eth1", "2001:db8::2"],
    ["ucast eth1 lb2.example.com", "eth1", "lb2.example.com"],
  ])("%j is a medium", (text, name, peer) => {
    const { haCf, warnings } = read(text);
    expect(warnings).toEqual([]);
    expect(haCf.media).toMatchObject([{ interface: name, line: 1 }]);
    expect(haCf.media[0]?.peer).toBe(peer);
  });

  test("a group of pings is taken apart", () => {
    const { haCf, warnings } = read("ping_group a 192.0.2.1 192.0.2.2\nping_group b 192.0.2.3\n");
    expect(haCf.pings.map(({ value }) => value)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    expect(warnings).toEqual([
      "1: ping_group is taken apart: each of its addresses counts by itself",
    ]);
  });

  test.each([
    ["a directive that nobody knows", "foo 1", '1: "foo" is left out: ha.cf has no such directive'],
    ["a misspelt one", "\nkeepalife 2", '2: "keepalife" is left out: did you mean "keepalive"?'],
    ["include", "include /a", "1: include is left out: files are not included here"],
    ["include_dir", "include_dir /a", "1: include_dir is left out: files are not included here"],
    ["a property of every object", "constructor 1", '1: "constructor" is left out'],
    ["no time", "deadtime soon", "1: deadtime is left out: expected a time such as 2 or 500ms"],
    ["time zero", "keepalive 0", "1: keepalive is left out"],
    ["a time twice", "deadtime 1\ndeadtime 2", "1: deadtime is left out: it comes again below"],
    ["a word behind a time", "deadtime 1 2", '1: "2" after deadtime is left out'],
    ["bcast without an interface", "bcast", "1: bcast is left out: it names no interface"],
    ["bcast of a template", "bcast <%= x %>", '1: bcast "%>" is left out: it cannot be'],
    ["ucast without a peer", "ucast eth0", "1: ucast is left out: expected an interface and"],
    ["a group and a port", "mcast eth0 225.0.0.1 694 1 0", '1: "225.0.0.1 694 1 0" after mcast'],
    ["node without a name", "node", "1: node is left out: it names no node"],
    ["a node twice", "node a a", '1: node "a" is left out: it is there already'],
    ["a node of a template", "node {{ x", '1: node "{{" is left out: it is no node name'],
    ["ping without an address", "ping", "1: ping is left out: it names no address"],
    ["respawn of another program", "respawn root /usr/lib/x", '1: respawn of "/usr/lib/x" is left'],
    ["crm", "crm respawn", "1: crm is left out: its resources are not in haresources"],
    ["pacemaker", "pacemaker on", "1: pacemaker is left out: its resources are not in haresources"],
    ["autojoin", "autojoin any", "1: autojoin is left out"],
    ["realtime", "realtime off", "1: realtime is left out"],
    ["watchdog", "watchdog /dev/watchdog", "1: watchdog is left out: the guard takes its place"],
    ["stonith", "stonith apcmaster /a", "1: stonith is left out: the fence takes its place"],
    ["serial", "serial /dev/ttyS0", "1: serial is left out: there are no advertisements over"],
  ])("tells of %s", (_, text, expected) => {
    const { warnings } = read(text);
    expect(warnings.filter((line) => line.startsWith(expected))).toHaveLength(1);
  });

  test.each(directivesWithoutEqual)("tells what takes the place of %s", (directive) => {
    const { warnings } = read(`\n${directive} a b\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`2: ${directive} is left out: `);
  });

  test("has a bound for nodes", () => {
    const names = Array.from({ length: 66 }, (_, index) => `n${index}`).join(" ");
    const { haCf, warnings } = read(`node ${names}\n`);
    expect(haCf.nodes).toHaveLength(64);
    expect(warnings).toHaveLength(2);
  });
});
