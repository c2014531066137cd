import { describe, expect, test } from "bun:test";

import { createCliFixture } from "../../helpers/cli-fixture.ts";
import { serverSnapshot, serviceSnapshot } from "../../helpers/fake-status-source.ts";

const start = {
  timeouts: { tcpMs: 3_600_000, tcpFinMs: 30_000, udpMs: 60_000 },
  services: [
    serviceSnapshot({ listen: ["192.0.2.100:443"], realServers: [] }),
    serviceSnapshot({
      persistentTimeoutMs: 600_000,
      persistenceMask: 24,
      realServers: [
        serverSnapshot({ key: "192.0.2.12:80", address: "192.0.2.12" }),
        serverSnapshot(),
      ],
    }),
  ],
};

async function listWith(...args: string[]) {
  await using fixture = await createCliFixture(start);
  return await fixture.run(["list", ...args]);
}

describe("list", () => {
  test("-n is the table, sorted", async () => {
    const { status, stdout, stderr } = await listWith("-n");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      [
        "IP Virtual Server version 1.2.1 (size=4096)",
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        "TCP  192.0.2.100:80 wlc persistent 600 mask 255.255.255.0",
        "  -> 192.0.2.11:80                Masq    1      3          12        ",
        "  -> 192.0.2.12:80                Masq    1      3          12        ",
        "TCP  192.0.2.100:443 wlc",
        "",
      ].join("\n"),
    );
  });

  test("--nosort keeps the order of the configuration", async () => {
    const { stdout } = await listWith("-n", "--nosort");
    expect(stdout.indexOf(":443")).toBeLessThan(stdout.indexOf("100:80"));
  });

  test.each([
    ["--stats", "TCP  192.0.2.100:80                    401     8939     8953   830843  1135000"],
    ["--rate", "TCP  192.0.2.100:80                      0        0        0        0        0"],
    [
      "--thresholds",
      "  -> 192.0.2.11:80                0          0          3          12        ",
    ],
    [
      "--persistent-conn",
      "  -> 192.0.2.11:80                1         0           3          12        ",
    ],
    ["-S", "-A -t 192.0.2.100:80 -s wlc -p 600 -M 255.255.255.0"],
    ["--connections", "TCP 14:59  ESTABLISHED 198.51.100.7:58969 192.0.2.100:80     192.0.2.11:80"],
    ["-c", "TCP 14:59  ESTABLISHED 198.51.100.7:58969 192.0.2.100:80     192.0.2.11:80"],
    ["--timeout", "Timeout (tcp tcpfin udp): 3600 30 60"],
  ])("%s has its own lines", async (option, line) => {
    const { status, stdout } = await listWith("-n", option);
    expect(status).toBe(0);
    expect(stdout.split("\n")).toContain(line);
  });

  test("--daemon is empty: the proxy has none", async () => {
    expect(await listWith("--daemon")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("-t lists one service without the version", async () => {
    const { stdout } = await listWith("-n", "-t", "192.0.2.100:443");
    expect(stdout.split("\n")).toEqual([
      "Prot LocalAddress:Port Scheduler Flags",
      "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
      "TCP  192.0.2.100:443 wlc",
      "",
    ]);
  });

  test("shows ports by name without -n", async () => {
    const { stdout } = await listWith("-t", "192.0.2.100:443");
    expect(stdout).toMatch(/^TCP {2}\S+:(?:https|443) wlc$/m);
  });

  test.each([
    [["--json"], "services"],
    [["-c", "--json"], "connections"],
    [["--timeout", "--json"], "timeouts"],
  ] as [string[], string][])("%j is JSON", async (args, key) => {
    const { status, stdout } = await listWith(...args);
    expect([status, Object.keys(JSON.parse(stdout))]).toEqual([0, [key]]);
  });

  test.each([
    [["--stats", "--rate"], "Expected one of --stats and --rate"],
    [["-t", "a/b:80"], "Expected an address with a port, got a/b:80"],
    [["-t", "192.0.2.1:80", "-u", "192.0.2.1:80"], "Expected one of -t, -u and -f"],
    [["-t", "192.0.2.1:80"], "Expected a virtual service of the director after -t, -u or -f"],
    [["-f", "1"], "Expected a virtual service of the director after -t, -u or -f"],
    [["-f", "0"], "Expected a firewall mark of 1 to 4294967295, got 0"],
    [["--thresolds"], 'Unknown option --thresolds (did you mean "--thresholds"?)'],
  ] as [string[], string][])("%j is refused", async (args, message) => {
    const { status, stdout, stderr } = await listWith(...args);
    expect([status, stdout]).toEqual([64, ""]);
    expect(stderr).toStartWith(`appliance list: ${message}\nusage: appliance list`);
  });
});
