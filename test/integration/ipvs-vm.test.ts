/**
 * The engine ipvs in a real kernel: the built executable as a director in a virtual machine, real
 * packets, and the real ipvsadm, whose listings must be ours byte for byte. What is done there
 * stands in test/helpers/ipvs/guest.sh; here is what must come of it.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { executablePath, requireAll, requireExecutable } from "../helpers/require-peer.ts";
import { readSections, requireVmlab, runInMachine } from "../helpers/require-vmlab.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireAll(requireExecutable(), requireVmlab());
const guestFolder = new URL("../helpers/ipvs/", import.meta.url).pathname;
/** It takes about 75 s, and several times as long on a machine with more to do than it can. */
const machineMs = 480_000;

const noModule =
  "this kernel has no IPVS: load its module on the host (modprobe ip_vs); " +
  "a container uses the one of its host";

describe.skipIf(needs.skip)("the engine ipvs in a kernel with IPVS", () => {
  let sections: ReadonlyMap<string, string>;

  beforeAll(async () => {
    using folder = createTempFolder();
    copyFileSync(executablePath, join(folder.path, "appliance"));
    for (const file of ["guest.sh", "server.pl"]) {
      copyFileSync(join(guestFolder, file), join(folder.path, file));
    }
    const output = await runInMachine(folder.path, join(folder.path, "guest.sh"), machineMs);
    sections = readSections(output);
  }, machineMs + 10_000);

  const section = (name: string): string => sections.get(name) ?? `no section ${name}`;
  /** Lines of the director's table, without heads. */
  const table = (name: string): readonly string[] => section(name).trimEnd().split("\n").slice(3);

  test("without the module run refuses what only the kernel can do, by name", () => {
    const told = section("no module");
    for (const service of ["direct", "direct-ipv6", "ports", "one-packet"]) {
      const what = `virtual service ${service}: forwarding gate needs the engine ipvs or bpf`;
      expect(told).toContain(`  ${what}: ipvs: ${noModule}; bpf: `);
    }
    expect(told).toContain(
      "virtual service tunnelled: forwarding ipip needs the engine ipvs or bpf",
    );
    expect(told).toContain("virtual service marked: a firewall mark needs the engine ipvs");
    expect(told).not.toContain("virtual service translated:");
    expect(told).toContain('service=translated reason="forwarding masq runs on the proxy');
    expect(told).toEndWith("status 69\n");
  });

  test("validate does not ask the kernel", () => {
    expect(section("validate")).toContain("ok, 9 virtual services");
    expect(section("validate")).toEndWith("status 0\n");
  });

  test.each([
    "start: -n",
    "start: -n --thresholds",
    "start: -S -n",
    "start: --timeout",
    "start: --daemon",
    "traffic: -n",
    "traffic: -n --stats",
    "traffic: -n --persistent-conn",
    "sick: -n",
    "fallback: -n",
    "put back: -n",
    "restarted: -n",
    "sync: --daemon",
  ])("list agrees with ipvsadm to the byte, %s", (name) => {
    const [when, view] = name.split(": ");
    const theirs = section(`${when}: ipvsadm ${view}`);
    expect(theirs).not.toStartWith("no section");
    expect(theirs.length).toBeGreaterThan(20);
    expect(section(`${when}: list ${view}`)).toBe(theirs);
  });

  test("the table is what the configuration says", () => {
    expect(table("start: ipvsadm -n").map((line) => line.trimEnd())).toEqual([
      "TCP  10.66.0.100:80 wrr",
      "  -> 10.66.0.11:80                Route   1      0          0",
      "  -> 10.66.0.12:80                Route   3      0          0",
      "TCP  10.66.0.101:8080 rr",
      "  -> 10.77.0.13:80                Masq    1      0          0",
      "  -> 10.77.0.14:80                Masq    1      0          0",
      "TCP  10.66.0.102:80 sh (sh-fallback,sh-port)",
      "  -> 10.66.0.11:80                Tunnel  1      0          0",
      "  -> 10.66.0.12:80                Tunnel  1      0          0",
      "TCP  10.66.0.103:8000 mh",
      "  -> 10.66.0.11:8000              Route   1      0          0",
      "TCP  10.66.0.103:8001 mh",
      "  -> 10.66.0.11:8001              Route   1      0          0",
      "TCP  10.66.0.103:8002 mh",
      "  -> 10.66.0.11:8002              Route   1      0          0",
      "UDP  10.66.0.100:53 rr ops",
      "  -> 10.66.0.11:53                Route   1      0          0",
      "  -> 10.66.0.12:53                Route   1      0          0",
      "UDP  10.66.0.101:8081 rr",
      "  -> 10.77.0.13:80                Masq    1      0          0",
      "  -> 10.77.0.14:80                Masq    1      0          0",
      "TCP  [2001:db8::100]:80 rr persistent 360 mask 64",
      "  -> [2001:db8::11]:80            Route   1      0          0",
      "  -> [2001:db8::12]:80            Route   1      0          0",
      "FWM  7 rr persistent 600 mask 255.255.255.0",
      "  -> 10.66.0.11:0                 Route   1      0          0",
      "  -> 10.66.0.12:0                 Route   1      0          0",
    ]);
  });

  test.each([
    ["gate", "2 a\n6 b\n"],
    ["gate over IPv6", "4 one\n"],
    ["masq", "4 c\n4 d\n"],
    ["masq of datagrams", "2 c\n2 d\n"],
    ["one packet", "2 a\n2 b\n"],
    ["ipip", "8\n"],
    ["mark", "4 one\n"],
    ["proxy", "2 c\n2 d\n"],
  ])("%s: each request is answered, by whose turn it is", (name, expected) => {
    expect(section(name)).toBe(expected);
  });

  test("answers of direct routing do not pass the director", () => {
    expect(section("answers through the director")).toBe("");
  });

  test("status says which engine carries a service, and why", () => {
    expect(section("status")).toBe(
      [
        '8 "engine": "ipvs"',
        '1 "engine": "proxy"',
        '1 "engineReason": "it is configured"',
        '7 "engineReason": "the kernel has it"',
        "",
      ].join("\n"),
    );
  });

  test("list -c has the kernel's connections, also persistence", () => {
    const lines = section("list -c").split("\n");
    expect(lines).toContain(
      "TCP mm:ss  FIN_WAIT    10.66.0.9:port 10.66.0.100:80     10.66.0.12:80",
    );
    expect(lines.join("\n")).toMatch(
      /^TCP mm:ss {2}(?:NONE|ASSURED) +\[2001:db8::\]:0 +\[2001:db8::100\]:80 \[2001:db8::1[12]\]:80$/m,
    );
    expect(lines.join("\n")).toMatch(/^IP {2}mm:ss .* 0\.0\.0\.7:0 +10\.66\.0\.1[12]:0$/m);
  });

  test("a server that fails gets weight 0 in a quiescent service, and leaves others", () => {
    expect(section("one is sick")).toBe("4 b\n4 d\n");
    const lines = table("sick: ipvsadm -n").map((line) => line.trimEnd());
    expect(lines[1]).toStartWith("  -> 10.66.0.11:80                Route   0 ");
    expect(lines.filter((line) => line.includes("10.77.0.13:80"))).toEqual([]);
  });

  test("the fallback on the director itself is delivered locally", () => {
    expect(section("all are sick")).toBe("2 fallback\n");
    expect(section("fallback: ipvsadm -n")).toContain(
      "  -> 127.0.0.1:80                 Local   1 ",
    );
  });

  test("what was changed by hand is put back and told, foreign services stay", () => {
    const told = section("changed by hand");
    for (const text of [
      'service=direct reason="Another program changed IPVS, put back: 10.66.0.12:80 in tcp',
      "weight is 77, not 3",
      "10.66.0.11:80 is missing in tcp 10.66.0.102:80",
      "udp 10.66.0.101:8081 is missing",
      "scheduler is wlc, not rr",
    ]) {
      expect(told).toContain(text);
    }
    expect(told).not.toContain("10.66.0.201");
    expect(section("foreign")).toContain("  -> 10.66.0.11:99                Route   5 ");
    expect(section("foreign stays")).toContain("TCP  10.66.0.201:99 wlc\n");
  });

  test("drain and reload change what they must", () => {
    expect(section("drain")).toBe(
      "direct 10.66.0.12:80: draining\nweight 0\ndirect 10.66.0.12:80: enabled\n",
    );
    expect(section("reload")).toContain('service "marked" removed\n');
    expect(section("reload")).toEndWith("weight 4\nno mark\n");
  });

  test("a director that was killed leaves its services, the next one takes them over", () => {
    expect(section("killed")).toBe("6\n6\n");
    expect(section("while it started")).toBe("a\nb\n");
  });

  test("a stop removes what is its own and nothing else", () => {
    const lines = section("stopped").trimEnd().split("\n");
    expect(lines.slice(3)).toEqual(["TCP  10.66.0.201:99 wlc"]);
  });

  test("the synchronisation daemons follow who is active, and end with the director", () => {
    expect(section("sync: backup")).toStartWith("backup sync daemon (mcast=eth1, syncid=9");
    expect(section("sync: active")).toStartWith("master sync daemon (mcast=eth1, syncid=9");
    expect(section("sync: active")).toContain("Timeout (tcp tcpfin udp): 900 33 300");
    expect(section("sync: stopped")).toBe("");
  });
});
