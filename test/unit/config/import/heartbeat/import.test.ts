import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import { importHeartbeat } from "../../../../../src/config/import/heartbeat/index.ts";
import { parseConfig } from "../../../../../src/config/index.ts";
import { told, translate } from "./fixture.ts";

const keys = "auth 1\n1 sha1 secret\n";
const hosts = "192.0.2.1 lb1\n192.0.2.2 lb2\n";

/** A text that validates needs a service. */
const ldirectord = {
  readLdirectordFile: () => ({
    file: "a.cf",
    text: "virtual=192.0.2.100:80\n\treal=192.0.2.11:80 masq\n",
  }),
};

describe("importHeartbeat()", () => {
  test("gives text that validates, but for what is not in this build", () => {
    const haresources = "lb1 192.0.2.100/24/eth0 ldirectord::a.cf\n";
    const result = translate({ haresources }, ldirectord);
    expect(result.problems).toEqual([]);
    expect(parseConfig(result.toml, "native").config.virtualRouters).toMatchObject([
      { name: "lb1", priority: 150, downAfterMs: 30_000, preempt: false },
    ]);
  });

  test("the same files on the other node differ in priority and peers only", () => {
    const haCf = "ucast eth0 lb1\nucast eth0 lb2\nauto_failback off\nnode lb1 lb2\n";
    const one = translate({ haCf, authkeys: keys }, { hosts });
    const two = translate({ haCf, authkeys: keys }, { hosts, nodeName: "lb2" });
    const plain = (text: string): string =>
      text.replaceAll(/192\.0\.2\.[12]\b|(?:priority = |director )\w+/g, "?");
    expect(plain(one.toml)).toBe(plain(two.toml));
    expect(one.keyText).toBe(two.keyText);
    expect(parse(one.toml)).toMatchObject({
      peer: { address: "192.0.2.2:9781" },
      vrrp: [{ priority: 150, peers: ["192.0.2.2"] }],
    });
    expect(parse(two.toml)).toMatchObject({
      peer: { address: "192.0.2.1:9781" },
      vrrp: [{ priority: 100, peers: ["192.0.2.1"] }],
    });
  });

  test("the key is in the key file's text and nowhere else", () => {
    const result = translate({ authkeys: keys }, { keyFile: "/somewhere/key" });
    const { keyText, ...rest } = result;
    expect(keyText).toBe("1 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n");
    const text = JSON.stringify(rest);
    expect(text).not.toContain("secret");
    expect(text).not.toContain("2bb80d537b");
    expect(parse(result.toml)).toMatchObject({ vrrp: [{ key_file: "/somewhere/key" }] });
  });

  test.each([
    ["auth 1\n1 crc\n", "none"],
    [undefined, "none"],
    [keys, undefined],
  ])("authkeys %j gives auth %p", (authkeys, expected) => {
    const result = translate(authkeys === undefined ? {} : { authkeys });
    const [router] = parse(result.toml)["vrrp"] as Record<string, unknown>[];
    expect(router?.["auth"]).toBe(expected as never);
    expect(result.keyText === undefined).toBe(expected === "none");
  });

  test("multicast finds the peer channel by the name of the other node", () => {
    const result = translate({ authkeys: keys }, { hosts });
    expect(parse(result.toml)).toMatchObject({ peer: { address: "192.0.2.2:9781" } });
    const unknown = translate({ authkeys: keys });
    expect(parse(unknown.toml)).not.toHaveProperty("peer");
    expect(told(unknown).join("\n")).toContain("The address of the other director is not known");
  });

  test("pings are tracked; without ipfail that is told", () => {
    const haCf =
      "bcast eth0\nauto_failback off\nnode lb1 lb2\nping 192.0.2.9 gw 192.0.2.9 nobody\n";
    const result = translate({ haCf }, { hosts: "192.0.2.8 gw\n" });
    expect(parse(result.toml)).toMatchObject({
      vrrp: [{ track: [{ ping: "192.0.2.9" }, { ping: "192.0.2.8" }] }],
    });
    expect(told(result)).toContain(
      'ha.cf:4: ping "nobody" is left out: it is no address, and /etc/hosts has no such name',
    );
    expect(told(result)).toContain(
      "ha.cf:4: Without ipfail no ping moves a resource; here each ping in track counts",
    );
    const heeded = translate({ haCf: `${haCf}respawn hacluster /usr/lib/heartbeat/ipfail\n` });
    expect(told(heeded).join("\n")).not.toContain("Without ipfail");
  });

  test("LVSSyncDaemonSwap has something in its place", () => {
    const result = translate({
      haresources: "lb1 LVSSyncDaemonSwap::master 192.0.2.100/24/eth0\n",
    });
    expect(told(result)).toContain(
      "haresources:1: LVSSyncDaemonSwap is left out: [peer] takes its place, in both directions at once",
    );
  });

  test.each([
    ["bcast eth0\nnode lb1 lb2\n", "ha.cf:0: auto_failback legacy"],
    ["auto_failback legacy\nbcast eth0\nnode lb1 lb2\n", "ha.cf:1: auto_failback legacy"],
  ])("says what auto_failback means in %j", (haCf, expected) => {
    expect(told(translate({ haCf })).join("\n")).toContain(expected);
  });

  test("prints the names that the identifiers come from", () => {
    expect(translate({}).toml).toStartWith(
      "# From Heartbeat's files, for the director lb1. For the other one only priority,\n" +
        "# peers and [peer] differ.\n" +
        "# vrid: from a hash of the node names lb1, lb2. Another number does as well, as\n",
    );
  });

  test("nothing that can be used is no text", () => {
    expect(translate({ haresources: "# nothing\n" }).toml).toBe("");
  });

  test("a haresources that is not there is a problem, the others are warnings", () => {
    const none = { haCf: undefined, haresources: undefined, authkeys: undefined };
    const { problems, warnings } = importHeartbeat(none, { nodeName: "lb1" });
    expect(problems.map(({ file, found }) => [file, found])).toEqual([["haresources", "none"]]);
    expect(warnings.map(({ file }) => file)).toContain("authkeys");
    expect(warnings.map(({ file }) => file)).toContain("ha.cf");
  });

  test("a name of this host that is no name cannot leave its comment", () => {
    const { toml } = translate({}, { nodeName: "a\nx = 1" });
    expect(toml.split("\n")[0]).toContain("a?x = 1");
    parse(toml);
  });
});
