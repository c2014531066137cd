import { describe, expect, test } from "bun:test";

import { lvsSyncDaemonSwap } from "../../../../src/cli/heartbeat/index.ts";
import { createCliFixture, runInContext } from "../../../helpers/cli-fixture.ts";
import { failoverSnapshot } from "../../../helpers/fake-status-source.ts";

async function ask(runtime: string, ...args: string[]) {
  return await runInContext(runtime, (context) => lvsSyncDaemonSwap.run(args, context));
}

describe("LVSSyncDaemonSwap", () => {
  test.each([
    ["active", "master", 0, "master running\n(appliance pid: 4711)\n"],
    ["active", "backup", 3, "backup stopped\n"],
    ["backup", "master", 3, "master stopped\n"],
    ["backup", "backup", 0, "backup running\n(appliance pid: 4711)\n"],
  ] as const)("of a director that is %s: %s status", async (state, role, status, stdout) => {
    await using fixture = await createCliFixture({ failover: failoverSnapshot({ state }) });
    const expected = { status, stdout, stderr: "" };
    expect(await ask(fixture.runtime, role, "status")).toEqual(expected);
    expect(await ask(fixture.runtime, role, "monitor")).toEqual(expected);
  });

  test("without a director both roles are stopped", async () => {
    expect(await ask("/nonexistent", "master", "status")).toMatchObject({
      status: 3,
      stdout: "master stopped\n",
    });
    expect((await ask("/nonexistent", "backup", "status")).status).toBe(3);
  });

  test.each([
    [["master", "start"], 0],
    [["backup", "stop"], 0],
    [["backup", "cleanup"], 0],
    [["status"], 1],
    [["third", "status"], 1],
    [[], 1],
  ])("%j ends with %i", async (args, status) => {
    expect((await ask("/nonexistent", ...args)).status).toBe(status);
  });
});
