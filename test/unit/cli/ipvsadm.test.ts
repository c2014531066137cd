import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { createIpvsadm } from "../../../src/cli/ipvsadm.ts";
import type { IpvsadmHost } from "../../../src/cli/ipvsadm.ts";
import type { Snapshot } from "../../../src/status/index.ts";
import { createCliFixture, runInContext } from "../../helpers/cli-fixture.ts";
import type { CliOptions, CliResult } from "../../helpers/cli-fixture.ts";
import { snapshotConnections, snapshotServices, withoutMark } from "../../helpers/list-snapshot.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

/** No other table, and no name but one. */
const plainHost: IpvsadmHost = {
  kernelTable: () => undefined,
  names: {
    hostOf: async () => undefined,
    addressOf: async (host) => (host === "www.example" ? "192.168.6.240" : undefined),
    services: () => "http 80/tcp\n",
  },
};

/** Kernel table with one service of somebody else, and the one of the sample at port 443. */
const kernelTable = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0A806F0:01BB wlc persistent 600 FFFFFFFF
  -> C0A80602:20FB      Masq    10     3          12
TCP  C0A806F1:0050 rr
`;

function runIpvsadm(
  runtime: string,
  args: readonly string[],
  { host = plainHost, ...options }: CliOptions & { readonly host?: IpvsadmHost } = {},
): Promise<CliResult> {
  return runInContext(runtime, (context) => createIpvsadm(host).run(args, context), options);
}

const state: Partial<Snapshot> = {
  services: snapshotServices,
  timeouts: { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 },
};

async function listWith(args: readonly string[], host = plainHost): Promise<CliResult> {
  await using fixture = await createCliFixture(state);
  fixture.source.connections = async () => snapshotConnections;
  return await runIpvsadm(fixture.runtime, args, { host });
}

function golden(name: string): string {
  const text = readFileSync(join(import.meta.dir, `../../golden/list/${name}.txt`), "utf8");
  return withoutMark(text);
}

describe("a listing, byte for byte", () => {
  test.each([
    ["-Ln", "standard"],
    ["-l -n", "standard"],
    ["--list --numeric --sort", "standard"],
    ["-n", "standard"],
    ["-Ln --stats", "stats"],
    ["-L -n --stats --exact", "stats-exact"],
    ["-Ln --rate", "rate"],
    ["-Ln --thresholds", "thresholds"],
    ["-Ln --persistent-conn", "persistent-conn"],
    ["-lnc", "connections"],
    ["-Ln --connection", "connections"],
    ["-L --timeout", "timeout"],
    ["-Sn", "save"],
    ["--save -n", "save"],
    ["-Ln -t 192.168.6.240:80", "one-service"],
    ["-ln --tcp-service=192.168.6.240:80", "one-service"],
    ["-Ln -t www.example:http", "one-service"],
  ])("ipvsadm %s is %s", async (line, name) => {
    expect(await listWith(line.split(" "))).toEqual({
      status: 0,
      stdout: golden(name),
      stderr: "",
    });
  });

  test("without any option it is the table by name", async () => {
    const { status, stdout } = await listWith([]);
    expect(status).toBe(0);
    expect(stdout).toContain("\nTCP  192.168.6.240:http rr\n");
  });

  test("--nosort keeps the order of the configuration", async () => {
    await using fixture = await createCliFixture({ services: snapshotServices.toReversed() });
    const { stdout } = await runIpvsadm(fixture.runtime, ["-Ln", "--nosort"]);
    const ports = stdout
      .match(/^(?:TCP|UDP)\S* +\S+:(\d+)/gm)
      ?.map((line) => line.split(":").at(-1));
    expect(ports).toEqual(["119", "53", "8443", "443", "80"]);
  });

  test("--daemon prints nothing: there is none", async () => {
    expect(await listWith(["-L", "--daemon"])).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});

describe("what is refused, with exit status 2 and nothing on stdout", () => {
  test.each([
    ["--bogus", "Unknown option --bogus"],
    ["-Lnq", "Unknown option -q"],
    ["-L --stats --rate", "Expected one of --stats and --rate"],
    ["-L -t 192.168.6.240:80 -f 1", "Expected one of -t, -u and -f"],
    ["-L -t", "Expected a value after -t"],
    ["-L -t 192.168.6.240", "Expected an address with a port, got 192.168.6.240"],
    ["-L -t nobody.example:80", "Expected an address with a port, got nobody.example:80"],
    ["-L -t 192.168.6.240:81", "Expected a virtual service of the director after -t, -u or -f"],
    ["-L -f 1", "Expected a virtual service of the director after -t, -u or -f"],
    ["-L -f one", "Expected a firewall mark of 1 to 4294967295, got one"],
    ["-L -w 3", "Unexpected --weight in a listing"],
    ["-L --sctp-service 192.0.2.1:9", "Unexpected --sctp-service in a listing"],
    ["-L all", "Unexpected all"],
  ])("ipvsadm %s", async (line, message) => {
    const { status, stdout, stderr } = await listWith(line.split(" "));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(`ipvsadm: ${message}\n"ipvsadm -h" shows the options\n`);
  });

  test("a change says what to type instead", async () => {
    const { status, stdout, stderr } = await listWith("-d -t a:80 -r 192.0.2.1:80".split(" "));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith("ipvsadm: Cannot change the table with -d, --delete-server: ");
    expect(stderr).toContain("\tappliance disable 192.0.2.1:80\n");
  });
});

describe("without a director", () => {
  const titles =
    "IP Virtual Server version 1.2.1 (size=4096)\n" +
    "Prot LocalAddress:Port Scheduler Flags\n" +
    "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
  const note = "ipvsadm: No director runs here, so the table is empty\n";

  test.each([
    ["-Ln", titles],
    ["-Sn", ""],
    [
      "-Lnc",
      "IPVS connection entries\n" +
        "pro expire state       source             virtual            destination\n",
    ],
  ])("ipvsadm %s is an empty table", async (line, stdout) => {
    using folder = createTempFolder();
    const result = await runIpvsadm(folder.path, line.split(" "));
    expect(result).toEqual({ status: 0, stdout, stderr: note });
  });

  test("a file in the place of its socket is none", async () => {
    using folder = createTempFolder();
    await Bun.write(join(folder.path, "control.sock"), "not a socket");
    const result = await runIpvsadm(folder.path, ["-Ln"]);
    expect(result).toEqual({ status: 0, stdout: titles, stderr: note });
  });

  test("a table of somebody else is not called empty", async () => {
    using folder = createTempFolder();
    const host = { ...plainHost, kernelTable: () => kernelTable };
    expect(await runIpvsadm(folder.path, ["-Ln"], { host })).toEqual({
      status: 2,
      stdout: "",
      stderr:
        "ipvsadm: Cannot list virtual services: no director runs here, and the kernel's table has " +
        "2 of another program, see /proc/net/ip_vs\n",
    });
  });
});

test("services of another program beside the director's are told of", async () => {
  const { status, stdout, stderr } = await listWith(["-Ln"], {
    ...plainHost,
    kernelTable: () => kernelTable,
  });
  expect([status, stdout]).toEqual([0, golden("standard")]);
  expect(stderr).toBe(
    "ipvsadm: Only services of the director are listed; the kernel's table has 1 of another " +
      "program, see /proc/net/ip_vs\n",
  );
});

test.each([
  ["-h", /^usage: ipvsadm /],
  ["--help", /^usage: ipvsadm /],
  ["-v", /^ipvsadm v1\.31 /],
  ["--version", /^ipvsadm v1\.31 /],
])("%s needs no director", async (option, expected) => {
  using folder = createTempFolder();
  const { status, stdout, stderr } = await runIpvsadm(folder.path, [option]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(expected);
});

test("Ctrl-C ends a listing", async () => {
  await using fixture = await createCliFixture(state);
  const options = { signal: AbortSignal.abort() };
  const { status } = await runIpvsadm(fixture.runtime, ["-Ln"], options);
  expect(status).toBe(130);
});
