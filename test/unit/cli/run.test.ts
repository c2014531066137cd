import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "../../../src/cli/run.ts";
import { runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("run hands its files to the director, which tells what is wrong with them", async () => {
  using folder = createTempFolder();
  const missing = join(folder.path, "missing.toml");
  const absent = await runLine(folder.path, ["run", "--config", missing]);
  expect(absent.status).toBe(66);
  expect(absent.stderr).toContain(missing);

  const broken = join(folder.path, "broken.toml");
  writeFileSync(broken, "nonsense = true\n");
  const faulty = await runLine(folder.path, ["run", broken]);
  expect(faulty.status).toBe(65);
  expect(faulty.stderr).toContain(`${broken}:1`);
});

test("run refuses what it does not know before anything starts", async () => {
  const { status, stderr } = await runLine("/nonexistent", ["run", "--conf=x"]);
  expect(status).toBe(64);
  expect(stderr).toContain(`usage: appliance ${run.usage}\n`);
});
