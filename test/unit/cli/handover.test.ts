/**
 * `appliance standby` and `appliance takeover` against a director that is only its status endpoint.
 */
import { expect, test } from "bun:test";

import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test.each([
  [["standby"], { action: "standby", force: false }],
  [["standby", "public"], { action: "standby", force: false, name: "public" }],
  [["takeover", "public"], { action: "takeover", force: false, name: "public" }],
  [["takeover", "--force"], { action: "takeover", force: true }],
])("%j asks the director", async (args, request) => {
  await using cli = await createCliFixture();
  expect(await cli.run(args)).toEqual({ status: 0, stdout: "public is backup\n", stderr: "" });
  expect(cli.source.handovers).toMatchObject([{ request }]);
});

test("--json has the states", async () => {
  await using cli = await createCliFixture();
  const { stdout } = await cli.run(["takeover", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ routers: [{ name: "public", state: "backup" }] });
});

test("a virtual router that is not there is an unknown name", async () => {
  await using cli = await createCliFixture();
  const message = "Cannot hand over: there is no private";
  cli.source.handoverResult = { ok: false, code: "VRRP_UNKNOWN", message };
  const { status, stderr } = await cli.run(["standby", "private"]);
  expect([status, stderr]).toEqual([65, expect.stringContaining("there is no private")]);
});

test.each(["standby a b", "standby --force", "takeover --nonsense"])(
  "%s is a wrong usage",
  async (line) => {
    using folder = createTempFolder();
    expect((await runLine(folder.path, line.split(" "))).status).toBe(64);
  },
);

test("without a director there is nobody to ask", async () => {
  using folder = createTempFolder();
  expect((await runLine(folder.path, ["standby"])).status).toBe(69);
});
