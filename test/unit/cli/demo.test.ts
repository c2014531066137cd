import { expect, test } from "bun:test";

import { demo } from "../../../src/cli/demo.ts";
import { runLine } from "../../helpers/cli-fixture.ts";

test("demo takes no operands and no options", async () => {
  for (const argument of ["x", "--port=1"]) {
    const { status, stderr } = await runLine("/nonexistent", [demo.name, argument]);
    expect(status).toBe(64);
    expect(stderr).toEndWith("usage: appliance demo\n");
  }
});
