import { describe, expect, test } from "bun:test";

import { createClStatus } from "../../../../src/cli/heartbeat/index.ts";
import { createCliFixture, runInContext } from "../../../helpers/cli-fixture.ts";
import { failoverSnapshot } from "../../../helpers/fake-status-source.ts";

const command = createClStatus(() => "lb1");

async function ask(runtime: string, ...args: string[]) {
  return await runInContext(runtime, (context) => command.run(args, context));
}

describe("cl_status", () => {
  test("hbstatus says whether a director runs", async () => {
    await using fixture = await createCliFixture();
    expect(await ask(fixture.runtime, "hbstatus")).toEqual({
      status: 0,
      stdout: "Heartbeat is running on this machine.\n",
      stderr: "",
    });
    expect(await ask("/nonexistent", "hbstatus")).toEqual({
      status: 1,
      stdout: "Heartbeat is stopped on this machine.\n",
      stderr: "",
    });
  });

  test.each([
    [{ name: "lb1", state: "active" }, "all"],
    [{ name: "lb1", state: "backup" }, "none"],
  ] as const)("rscstatus of %j is %s", async (router, expected) => {
    await using fixture = await createCliFixture({ failover: failoverSnapshot(router) });
    expect(await ask(fixture.runtime, "rscstatus")).toMatchObject({
      status: 0,
      stdout: `${expected}\n`,
    });
    expect((await ask(fixture.runtime, "rscstatus", "-m")).stdout).toBe(
      `This node is holding ${expected} resources.\n`,
    );
    expect((await ask(fixture.runtime, "-m", "rscstatus")).status).toBe(0);
  });

  test("rscstatus of a director without virtual routers is none", async () => {
    await using fixture = await createCliFixture();
    expect((await ask(fixture.runtime, "rscstatus")).stdout).toBe("none\n");
  });

  test("nodestatus knows the node of this host", async () => {
    await using fixture = await createCliFixture();
    expect((await ask(fixture.runtime, "nodestatus", "lb1")).stdout).toBe("active\n");
    expect((await ask(fixture.runtime, "nodestatus", "lb2")).status).toBe(1);
    expect(await ask("/nonexistent", "nodestatus", "lb1")).toMatchObject({
      status: 1,
      stdout: "dead\n",
    });
  });

  test.each([
    [
      ["listhblinks", "lb1"],
      1,
      'cl_status: listhblinks has no answer here; try "appliance status"',
    ],
    [["frobnicate"], 1, "Usage: cl_status hbstatus"],
    [[], 1, "Usage: cl_status hbstatus"],
    [["--help"], 0, "Usage: cl_status hbstatus"],
    [["rscstatus"], 1, "cl_status: Cannot reach the director: none runs here"],
  ])("%j without a director ends with %i", async (args, status, text) => {
    const answer = await ask("/nonexistent", ...args);
    expect(answer.status).toBe(status);
    expect(answer.stdout + answer.stderr).toStartWith(text);
  });
});
