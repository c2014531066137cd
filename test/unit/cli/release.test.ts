/**
 * `appliance release` beside a director that runs; what it removes is shown by
 * test/integration/failover-release.test.ts.
 */
import { expect, test } from "bun:test";

import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("a director that runs keeps its addresses", async () => {
  await using cli = await createCliFixture();
  expect(await cli.run(["release"])).toEqual({
    status: 75,
    stdout: "",
    stderr: "appliance release: a director runs and keeps its addresses\n",
  });
});

test("operands and unknown options are a wrong usage", async () => {
  using folder = createTempFolder();
  expect((await runLine(folder.path, ["release", "web"])).status).toBe(64);
  expect((await runLine(folder.path, ["release", "--force"])).status).toBe(64);
});
