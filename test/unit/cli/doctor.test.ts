import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { runCli } from "../../../src/cli/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

async function run(folder: string, args: readonly string[]) {
  let [stdout, stderr] = ["", ""];
  const status = await runCli(["doctor", ...args], {
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    environment: { APPLIANCE_ROOT_DIR: folder, APPLIANCE_STATE_DIR: join(folder, "state") },
    isTerminal: false,
    color: false,
    signal: new AbortController().signal,
  });
  return { status, stdout, stderr };
}

describe("doctor", () => {
  test.each([
    [["realserver"], 64, "No setup was made here: which addresses? Expected --vip ADDRESS"],
    [["realserver", "--vip", "x"], 64, "--vip expects an address, got x"],
    [["director", "--interface", "eth0"], 64, "Unknown option --interface"],
    [["director", "--config", "/nonexistent/a.toml"], 66, undefined],
  ] as const)("%p ends with %d", async (args, status, text) => {
    using folder = createTempFolder();
    const result = await run(folder.path, args);
    expect(result.status).toBe(status);
    if (text !== undefined) expect(result.stderr).toStartWith(`appliance doctor: ${text}\n`);
  });

  test("realserver finds what is missing on a host that nobody prepared", async () => {
    using folder = createTempFolder();
    const { status, stdout } = await run(folder.path, ["realserver", "--vip", "192.0.2.100"]);
    expect(status).toBe(1);
    expect(stdout).toContain("192.0.2.100 is not on lo: packets for it are not taken\n");
    expect(stdout).toContain("mend: appliance setup realserver --vip 192.0.2.100\n");
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("--json has the findings, each with its id and what mends it", async () => {
    using folder = createTempFolder();
    const args = ["realserver", "--vip", "2001:db8::100", "--json"];
    const { status, stdout } = await run(folder.path, args);
    expect(status).toBe(1);
    expect(JSON.parse(stdout).reports).toEqual([
      {
        role: "realserver",
        outcomes: expect.arrayContaining([
          {
            id: "vip-on-lo",
            state: "wrong",
            text: "2001:db8::100 is not on lo: packets for it are not taken",
            remedy: "appliance setup realserver --vip 2001:db8::100",
          },
        ]),
      },
    ]);
  });
});
