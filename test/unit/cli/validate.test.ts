import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const good = `
[[virtual_service]]
name = "web"
listen = "127.0.0.1:8080"
real_servers = [{ address = "192.0.2.11:80" }, { address = "192.0.2.12:80" }]
`;
const bad = good.replace("127.0.0.1:8080", "127.0.0.1:99999").replace("name =", "nmae =");

async function validateText(text: string, ...options: string[]) {
  using folder = createTempFolder();
  const path = join(folder.path, "appliance.toml");
  writeFileSync(path, text);
  const result = await runLine(folder.path, ["validate", path, ...options]);
  return { ...result, path };
}

describe("validate", () => {
  test("says what a good file holds", async () => {
    const { status, stdout, path } = await validateText(good);
    expect([status, stdout]).toEqual([0, `${path}: ok, 1 virtual service, 2 real servers\n`]);
  });

  test("counts virtual routers where there are some", async () => {
    const router = `
[[vrrp]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.100"]
auth = "none"
`;
    const { stdout, path } = await validateText(good + router);
    expect(stdout).toBe(`${path}: ok, 1 virtual service, 2 real servers, 1 virtual router\n`);
  });

  test("tells every problem, each with its line", async () => {
    const { status, stdout, stderr, path } = await validateText(bad);
    expect([status, stdout]).toEqual([65, ""]);
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(line).toStartWith(`${path}:`);
    expect(stderr).toContain(`${path}:3: `);
    expect(stderr).toContain(`${path}:4: `);
  });

  test("--json has problems with file, line, expected and found", async () => {
    const { status, stdout, path } = await validateText(bad, "--json");
    const answer = JSON.parse(stdout);
    expect([status, answer.valid]).toEqual([65, false]);
    const onLine4 = answer.problems.find((problem: { line: number }) => problem.line === 4);
    expect(onLine4).toMatchObject({ file: path, found: '"127.0.0.1:99999"' });
    const fine = JSON.parse((await validateText(good, "--json")).stdout);
    expect([fine.valid, fine.problems]).toEqual([true, []]);
  });

  test("a missing file is 66", async () => {
    const { status, stderr } = await runLine("/nonexistent", ["validate", "/nonexistent/a.toml"]);
    expect(status).toBe(66);
    expect(stderr).toContain("/nonexistent/a.toml");
  });
});
