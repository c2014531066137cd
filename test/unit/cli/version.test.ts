import { expect, test } from "bun:test";

import { program } from "../../../src/cli/program.ts";
import { runLine } from "../../helpers/cli-fixture.ts";

test.each([["version"], ["--version"], ["-V"]])("%s prints one line", async (name) => {
  const { status, stdout } = await runLine("/nonexistent", [name]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^appliance \d+\.\d+\.\d+\S* \(\S+, linux-\S+, bun \S+\)\n$/);
});

test("version --json has its parts", async () => {
  const { stdout } = await runLine("/nonexistent", ["version", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    version: program.version,
    commit: program.commit,
    runtime: `bun ${Bun.version}`,
    platform: `${process.platform}-${process.arch}`,
  });
});
