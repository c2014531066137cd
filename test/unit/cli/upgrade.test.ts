import { expect, test } from "bun:test";

import { createCliFixture } from "../../helpers/cli-fixture.ts";

test("upgrade tells the version and the process that took over", async () => {
  await using fixture = await createCliFixture();
  const { status, stdout } = await fixture.run(["upgrade"]);
  expect([status, stdout]).toEqual([0, "version 9.9.9 has taken over, process 4711\n"]);
  expect(fixture.source.upgrades).toEqual(["uid 1000"]);
  expect(JSON.parse((await fixture.run(["upgrade", "--json"])).stdout)).toEqual({
    pid: 4711,
    version: "9.9.9",
  });
});

test.each([
  ["UPGRADE_FAILED", 69],
  ["UPGRADE_TIMEOUT", 69],
  ["UPGRADE_REFUSED", 69],
  ["UPGRADE_RUNS", 75],
  ["DIRECTOR_STOPPING", 75],
])("upgrade refused with %s is %d", async (code, expected) => {
  await using fixture = await createCliFixture();
  fixture.source.upgradeResult = { ok: false, code, message: "Why it did not" };
  const { status, stderr } = await fixture.run(["upgrade"]);
  expect([status, stderr]).toEqual([expected, "appliance upgrade: Why it did not\n"]);
});
