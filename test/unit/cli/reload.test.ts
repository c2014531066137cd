import { expect, test } from "bun:test";

import { createCliFixture } from "../../helpers/cli-fixture.ts";

test.each([
  [[], false],
  [["--dry-run"], true],
] as [string[], boolean][])("reload %j prints the plan", async (args, dryRun) => {
  await using fixture = await createCliFixture();
  const { status, stdout } = await fixture.run(["reload", ...args]);
  expect([status, stdout]).toEqual([0, "web: weight of 192.0.2.11:80 from 1 to 2\n"]);
  expect(fixture.source.reloads).toEqual([{ dryRun, by: "uid 1000" }]);
});

test("reload --json has the plan", async () => {
  await using fixture = await createCliFixture();
  const { stdout } = await fixture.run(["reload", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ plan: ["web: weight of 192.0.2.11:80 from 1 to 2"] });
});

test("reload says that nothing has changed", async () => {
  await using fixture = await createCliFixture();
  fixture.source.reloadResult = { ok: true, plan: [] };
  expect((await fixture.run(["reload"])).stdout).toBe("nothing has changed\n");
});

test.each([
  ["CONFIG_INVALID", 65],
  ["CONFIG_FILE_MISSING", 66],
  ["CONFIG_FILE_PERMISSION", 77],
  ["RELOADS_WAIT", 75],
])("reload refused with %s is %d", async (code, expected) => {
  await using fixture = await createCliFixture();
  fixture.source.reloadResult = { ok: false, code, message: "a.toml:3: No" };
  const { status, stderr } = await fixture.run(["reload"]);
  expect([status, stderr]).toEqual([expected, "appliance reload: a.toml:3: No\n"]);
});
