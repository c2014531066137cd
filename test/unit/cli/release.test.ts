import { expect, test } from "bun:test";

import { createCliFixture } from "../../helpers/cli-fixture.ts";

// What it removes is seen in test/integration/failover-director.test.ts.
test("release leaves the addresses of a running director alone, 75", async () => {
  await using fixture = await createCliFixture();
  const { status, stdout, stderr } = await fixture.run(["release"]);
  expect([status, stdout]).toEqual([75, ""]);
  expect(stderr).toBe("appliance release: a director runs and keeps its addresses\n");
});
