import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { createClStatus } from "../../../../src/cli/heartbeat/index.ts";
import { createCliFixture, runInContext } from "../../../helpers/cli-fixture.ts";
import {
  directorSnapshot,
  failoverSnapshot,
  peerSnapshot,
} from "../../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

const command = createClStatus(() => "lb1");

async function ask(runtime: string, ...args: string[]) {
  return await runInContext(runtime, (context) => command.run(args, context));
}

describe("cl_status of a director that runs from Heartbeat's files", () => {
  const folder = createTempFolder();
  let fixture: Awaited<ReturnType<typeof createCliFixture>>;

  beforeAll(async () => {
    const text =
      "keepalive 500ms\nbcast eth0 eth1\nnode lb1 lb2\nping 192.0.2.1\n" +
      "respawn hacluster /usr/lib/heartbeat/ipfail\n";
    writeFileSync(join(folder.path, "ha.cf"), text);
    const { configuration } = directorSnapshot();
    const files = [join(folder.path, "haresources")];
    fixture = await createCliFixture({
      configuration: { ...configuration, files },
      failover: { ...failoverSnapshot({ name: "lb1" }), peer: peerSnapshot() },
    });
  });
  afterAll(async () => {
    await fixture[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test.each([
    ["hbstatus", "Heartbeat is running on this machine.\n"],
    ["listnodes", "lb1\nlb2\n192.0.2.1\n"],
    ["listnodes -n", "lb1\nlb2\n"],
    ["listnodes -p", "192.0.2.1\n"],
    ["listnodes -p -v", "192.0.2.1\tping\t(nodetype: ping)\n\t192.0.2.1\tup\n"],
    ["nodestatus lb1", "active\n"],
    ["nodestatus lb2", "active\n"],
    ["-m nodestatus lb2", "The cluster node lb2 is active\n"],
    ["nodetype lb2", "normal\n"],
    ["nodetype -m 192.0.2.1", "The node 192.0.2.1's type: ping\n"],
    ["nodeweight lb1", "100\n"],
    ["nodeweight lb1 -m", "The weight of the cluster node lb1 is 100\n"],
    ["listhblinks lb2", "eth0\neth1\n"],
    ["listhblinks lb2 -v", "\teth0\tup\n\teth1\tup\n"],
    ["hblinkstatus lb2 eth1", "up\n"],
    ["hblinkstatus lb2 eth1 -m", "The node lb2's heartbeat link eth1 is up\n"],
    ["clientstatus lb1 ipfail", "online\n"],
    ["clientstatus lb1 ccm 1000", "offline\n"],
    ["rscstatus", "all\n"],
    ["rscstatus -m", "This node is holding all resources.\n"],
    ["parameter -p keepalive", "500ms\n"],
    ["hbparameter -p deadtime", "30000ms\n"],
    ["hbparameter -m -p udpport", "Heartbeat parameter udpport's value: 694\n"],
  ])("%s", async (line, stdout) => {
    const answer = await ask(fixture.runtime, ...line.split(" "));
    expect(answer).toEqual({ status: 0, stdout, stderr: "" });
  });

  test.each([
    ["nodestatus lb9", "Error. Maybe due to incorrect node name.\n"],
    ["nodetype lb9", "Error. Maybe due to incorrect node name.\n"],
    ["nodeweight", "Error. Maybe due to incorrect node name.\n"],
    ["listhblinks lb9", "Error. Maybe due to incorrect node name.\n"],
    ["hblinkstatus lb2 eth9", "Cannot get heartbeat link status\n"],
    ["clientstatus lb9 ipfail", "Cannot get heartbeat client ipfail's status\n"],
    ["hbparameter -p watchdog", "Cannot get parameter watchdog's value\n"],
  ])("%s is refused", async (line, stderr) => {
    const answer = await ask(fixture.runtime, ...line.split(" "));
    expect(answer).toEqual({ status: 1, stdout: "", stderr });
  });

  test("hbstatus -v has the nodes as well", async () => {
    const { stdout } = await ask(fixture.runtime, "hbstatus", "-v");
    expect(stdout).toContain("lb2\tactive\t(nodetype: normal)\n\teth0\tup\n\teth1\tup\n");
  });
});

describe("cl_status", () => {
  test.each([
    [{ name: "lb1", state: "active" }, "all"],
    [{ name: "lb1", state: "backup" }, "none"],
  ] as const)("rscstatus of %j is %s", async (router, expected) => {
    await using fixture = await createCliFixture({ failover: failoverSnapshot(router) });
    expect((await ask(fixture.runtime, "rscstatus")).stdout).toBe(`${expected}\n`);
  });

  test("rscstatus of a director without virtual routers is none", async () => {
    await using fixture = await createCliFixture();
    expect((await ask(fixture.runtime, "rscstatus")).stdout).toBe("none\n");
  });

  test.each([
    [["hbstatus"], 1, "Heartbeat is stopped on this machine.\n"],
    [["nodestatus", "lb1"], 1, "dead\n"],
    [["frobnicate"], 1, "Usage: cl_status hbstatus"],
    [[], 1, "Usage: cl_status hbstatus"],
    [["--help"], 0, "Usage: cl_status hbstatus"],
    [["-h"], 0, "Usage: cl_status hbstatus"],
    [["rscstatus"], 1, "cl_status: Cannot reach the director: none runs here"],
    [["listnodes"], 1, "cl_status: Cannot reach the director: none runs here"],
  ])("%j without a director ends with %i", async (args, status, text) => {
    const answer = await ask("/nonexistent", ...args);
    expect(answer.status).toBe(status);
    expect(answer.stdout + answer.stderr).toStartWith(text);
  });
});
