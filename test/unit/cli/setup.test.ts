import { describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseArguments } from "../../../src/cli/arguments.ts";
import { runCli } from "../../../src/cli/index.ts";
import { vipsOf } from "../../../src/cli/setup.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

/** One command line with folders of its own; nothing here may change this machine. */
async function run(folder: string, args: readonly string[]) {
  let [stdout, stderr] = ["", ""];
  const status = await runCli(args, {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    environment: { APPLIANCE_ROOT_DIR: folder, APPLIANCE_STATE_DIR: join(folder, "state") },
    isTerminal: false,
    color: false,
    signal: new AbortController().signal,
  });
  return { status, stdout, stderr };
}

describe("setup", () => {
  test.each([
    [[], "Expected realserver or director, got nothing"],
    [["web"], "Expected realserver or director, got web"],
    [["realserver"], "Expected --vip ADDRESS"],
    [["realserver", "--vip", "web.example"], "--vip expects an address, got web.example"],
    [["realserver", "--vip", "192.0.2.1/32"], "--vip expects an address, got 192.0.2.1/32"],
    [
      ["realserver", "--vip", "192.0.2.1", "--method", "masq"],
      "--method expects gate or ipip, got masq",
    ],
    [["realserver", "--vip"], "Expected a value after --vip"],
    [["director", "--vip", "192.0.2.1"], "Unknown option --vip"],
  ])("%p is wrong usage", async (args, text) => {
    using folder = createTempFolder();
    const { status, stderr } = await run(folder.path, ["setup", ...args]);
    expect([status, stderr.split("\n")[0]]).toEqual([64, `appliance setup: ${text}`]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("realserver --dry-run tells the plan and changes nothing", async () => {
    using folder = createTempFolder();
    const args = ["setup", "realserver", "--vip", "192.0.2.100", "2001:db8::100", "--dry-run"];
    const { status, stdout } = await run(folder.path, args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}add +192\.0\.2\.100\/32 on lo as lo:\d+$/m);
    expect(stdout).toMatch(/^ {2}add +2001:db8::100\/128 on lo$/m);
    expect(readdirSync(folder.path)).toEqual([]);
    const json = await run(folder.path, [...args, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      dryRun: true,
      steps: expect.arrayContaining([expect.objectContaining({ kind: "address" })]),
    });
  });

  test("director has nothing to do for the proxy", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "appliance.toml");
    writeFileSync(
      path,
      '[[virtual_service]]\nname = "web"\nlisten = "192.0.2.1:80"\n' +
        'check = { type = "connect" }\nreal_servers = [{ address = "192.0.2.11:80" }]\n',
    );
    for (const option of ["--dry-run", "--undo"]) {
      const result = await run(folder.path, ["setup", "director", "--config", path, option]);
      expect([result.status, result.stdout]).toEqual([0, expect.stringMatching(/^Nothing to /)]);
    }
  });

  test("--undo refuses to take back less than everything", async () => {
    using folder = createTempFolder();
    const state = join(folder.path, "state");
    const record = { version: 1, vips: ["192.0.2.1", "192.0.2.2"], method: "gate", steps: [] };
    await Bun.write(join(state, "setup-realserver.json"), JSON.stringify(record));
    const undo = ["setup", "realserver", "--undo", "--dry-run", "--vip"];
    const some = await run(folder.path, [...undo, "192.0.2.1"]);
    expect([some.status, some.stderr.split("\n")[0]]).toEqual([
      64,
      "appliance setup: --undo takes everything back, also 192.0.2.2: omit --vip",
    ]);
    expect((await run(folder.path, [...undo, "192.0.2.1", "192.0.2.2"])).status).toBe(0);
  });

  test("a damaged record is 65", async () => {
    using folder = createTempFolder();
    await Bun.write(join(folder.path, "state/setup-realserver.json"), "{");
    const { status } = await run(folder.path, ["setup", "realserver", "--undo"]);
    expect(status).toBe(65);
  });
});

test("vipsOf() has each address once, canonical", () => {
  const spec = { options: [{ name: "vip", takesValue: true }] };
  const given = parseArguments(["--vip", "2001:DB8::0:1", "--vip", "2001:db8::1"], spec);
  expect(vipsOf(given)).toEqual(["2001:db8::1"]);
});
