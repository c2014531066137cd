import { describe, expect, test } from "bun:test";

import { createMove } from "../../../../src/cli/heartbeat/index.ts";
import { createCliFixture, runInContext } from "../../../helpers/cli-fixture.ts";
import { failoverSnapshot } from "../../../helpers/fake-status-source.ts";

const node = () => "lb1";
const commands = {
  hb_standby: createMove({ program: "hb_standby", action: "standby", node }),
  hb_takeover: createMove({ program: "hb_takeover", action: "takeover", node }),
};
const { hb_standby: standby, hb_takeover: takeover } = commands;

/** A director with three virtual routers. */
function createFixture() {
  const { routers, ...rest } = failoverSnapshot();
  const named = ["lb1", "lb1-2", "lb2"].map((name) => ({ ...routers[0]!, name }));
  return createCliFixture({ failover: { ...rest, routers: named } });
}

describe("hb_standby and hb_takeover", () => {
  test.each([
    ["hb_standby", [], [{ action: "standby", force: false }], "Going standby [all].\n"],
    ["hb_takeover", ["all"], [{ action: "takeover", force: false }], "Going takeover [all].\n"],
    [
      "hb_standby",
      ["local"],
      [
        { action: "standby", force: false, name: "lb1" },
        { action: "standby", force: false, name: "lb1-2" },
      ],
      "Going standby [local].\n",
    ],
    [
      "hb_takeover",
      ["foreign"],
      [{ action: "takeover", force: false, name: "lb2" }],
      "Going takeover [foreign].\n",
    ],
    [
      "hb_standby",
      ["failback"],
      [{ action: "standby", force: false, name: "lb2" }],
      "Going standby [failback].\n",
    ],
  ] as const)("%s %j gives its orders", async (program, args, requests, stdout) => {
    await using fixture = await createFixture();
    const answer = await runInContext(fixture.runtime, (context) =>
      commands[program].run(args, context),
    );
    expect(answer).toEqual({ status: 0, stdout, stderr: "" });
    expect(fixture.source.handovers.map(({ request }) => request)).toEqual([...requests]);
  });

  test("a set without a virtual router is told", async () => {
    await using fixture = await createCliFixture({ failover: failoverSnapshot({ name: "lb1" }) });
    const answer = await runInContext(fixture.runtime, (context) =>
      standby.run(["foreign"], context),
    );
    expect(answer.status).toBe(1);
    expect(answer.stderr).toBe(
      "hb_standby: this director has no virtual router in the set foreign\n",
    );
    expect(fixture.source.handovers).toEqual([]);
  });

  test("a refusal of the director is told", async () => {
    await using fixture = await createFixture();
    fixture.source.handoverResult = { ok: false, code: "FAILOVER_REFUSED", message: "It is not" };
    const answer = await runInContext(fixture.runtime, (context) => takeover.run([], context));
    expect(answer).toEqual({ status: 1, stdout: "", stderr: "hb_takeover: It is not\n" });
  });

  test.each([
    [["some"], 1],
    [["all", "more"], 1],
    [["--help"], 0],
  ])("%j shows the usage", async (args, status) => {
    const answer = await runInContext("/nonexistent", (context) => standby.run(args, context));
    expect(answer.status).toBe(status);
    expect(answer.stdout + answer.stderr).toBe("Usage: hb_standby [all|foreign|local|failback]\n");
  });

  test("without a director it says so", async () => {
    const answer = await runInContext("/nonexistent", (context) => standby.run([], context));
    expect(answer.status).toBe(1);
    expect(answer.stderr).toStartWith("hb_standby: Cannot reach the director: none runs here");
  });
});
