import { expect, test } from "bun:test";
import { join } from "node:path";

import { createCliFixture } from "../helpers/cli-fixture.ts";
import { serverSnapshot, serviceSnapshot } from "../helpers/fake-status-source.ts";

const main = join(import.meta.dir, "../../src/main.ts");

function start(runtime: string, args: readonly string[]) {
  return Bun.spawn([process.execPath, main, ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, APPLIANCE_RUNTIME_DIR: runtime },
  });
}

test.each([
  [["version"], 0],
  [["status"], 3],
  [["list"], 69],
  [["nonsense"], 64],
  [[], 64],
] as [string[], number][])("main %j exits with %d", async (args, expected) => {
  expect(await start("/nonexistent", args).exited).toBe(expected);
});

test("main writes all of a long answer before it exits", async () => {
  const realServers = Array.from({ length: 5000 }, (_, index) =>
    serverSnapshot({ port: index + 1 }),
  );
  await using fixture = await createCliFixture({ services: [serviceSnapshot({ realServers })] });
  const child = start(fixture.runtime, ["status", "--json"]);
  expect(JSON.parse(await child.stdout.text())).toEqual(fixture.source.snapshot());
  expect(await child.exited).toBe(0);
});

test("main ends quietly when its reader has gone", async () => {
  await using fixture = await createCliFixture();
  const child = start(fixture.runtime, ["status", "--watch"]);
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  expect(await child.exited).toBe(0);
  expect(await child.stderr.text()).toBe("");
});

test("main ends a watch at Ctrl-C", async () => {
  await using fixture = await createCliFixture();
  const child = start(fixture.runtime, ["status", "--watch"]);
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
});
