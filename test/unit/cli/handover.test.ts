import { describe, expect, test } from "bun:test";

import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";

describe.each(["standby", "takeover"] as const)("%s", (action) => {
  test("asks the director, and tells what came of it", async () => {
    await using fixture = await createCliFixture();
    const routers = [
      { name: "public", state: "backup" },
      { name: "inside", state: "active" },
    ];
    fixture.source.handoverResult = { ok: true, routers };
    const { status, stdout } = await fixture.run([action]);
    expect([status, stdout]).toEqual([0, "public is backup\ninside is active\n"]);
    const request = { action, force: false };
    expect(fixture.source.handovers).toEqual([{ request, by: "uid 1000" }]);
  });

  test("of one virtual router, as JSON", async () => {
    await using fixture = await createCliFixture();
    const { status, stdout } = await fixture.run([action, "public", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ routers: [{ name: "public", state: "backup" }] });
    expect(fixture.source.handovers[0]?.request).toMatchObject({ action, name: "public" });
  });

  test("of one that is not there is 65, in the director's words", async () => {
    await using fixture = await createCliFixture();
    const message = "Cannot hand over: there is no puplic";
    fixture.source.handoverResult = { ok: false, code: "VRRP_UNKNOWN", message };
    const { status, stderr } = await fixture.run([action, "puplic"]);
    expect([status, stderr]).toEqual([65, `appliance ${action}: ${message}\n`]);
  });

  test("without a director is 69", async () => {
    expect((await runLine("/nonexistent", [action])).status).toBe(69);
  });
});

test("takeover --force says so", async () => {
  await using fixture = await createCliFixture();
  await fixture.run(["takeover", "--force"]);
  expect(fixture.source.handovers[0]?.request).toMatchObject({ action: "takeover", force: true });
});
