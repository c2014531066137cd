import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { defaultFiles } from "../../../src/cli/files.ts";
import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("config asks the director that runs", async () => {
  await using fixture = await createCliFixture();
  const { status, stdout } = await fixture.run(["config"]);
  expect([status, JSON.parse(stdout)]).toEqual([0, { virtual_service: [{ name: "web" }] }]);
  const { stdout: line } = await fixture.run(["config", "--json"]);
  expect(line).toBe('{"virtual_service":[{"name":"web"}]}\n');
});

test("config --config shows files, whether a director runs or not", async () => {
  await using fixture = await createCliFixture();
  using folder = createTempFolder();
  const path = join(folder.path, "appliance.toml");
  writeFileSync(
    path,
    '[[virtual_service]]\nname = "mail"\nlisten = "127.0.0.1:2525"\nreal_servers = [{ address = "192.0.2.11:25" }]\n',
  );
  for (const args of [["--config", path], [path]]) {
    const { status, stdout } = await fixture.run(["config", ...args]);
    expect([status, JSON.parse(stdout).virtual_service[0].name]).toEqual([0, "mail"]);
  }
});

test("config says when it falls back to the default file", async () => {
  using folder = createTempFolder();
  const { stderr } = await runLine(folder.path, ["config"]);
  expect(stderr).toStartWith(
    `appliance config: no director runs here; this is ${defaultFiles().join(" ")}\n`,
  );
});
