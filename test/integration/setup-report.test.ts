/**
 * `npm test` on a small tree of its own: what it counts, what it lists, how it ends.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { runProcess } from "../helpers/process.ts";
import { createSmallTree } from "../helpers/small-tree.ts";
import { readText } from "../helpers/source-tree.ts";

const mixed = `
import { expect, test } from "bun:test";
import { requirePeer } from "../helpers/require-peer.ts";
const peer = requirePeer("no-such-program");
test("passes", () => expect(1).toBe(1));
test("fails", () => expect(1).toBe(2));
test.skipIf(peer.skip)("is skipped", () => {});
`;
const silent = `
import { test } from "bun:test";
test.skipIf(true)("is skipped", () => {});
test.skipIf(true)("is skipped as well (the kernel is too old)", () => {});
`;
const good = 'import { test } from "bun:test";\ntest("passes", () => {});\n';

const tree = createSmallTree({
  "src/main.ts": "console.log(1);\n",
  "test/helpers/require-peer.ts": readText("test/helpers/require-peer.ts"),
  "test/unit/mixed.test.ts": mixed,
  "test/unit/broken.test.ts": 'throw new Error("while loading");\n',
  "test/unit/silent.test.ts": silent,
  "test/unit/good.test.ts": good,
  "test/unit/lost.test.ts": 'process.kill(process.pid, "SIGKILL");\n',
});
tree.write(".ci/peers.txt", "no-such-program  sh  may  nothing\n");
mkdirSync(join(tree.path, "ffi"));
afterAll(() => tree[Symbol.dispose]());

async function npmTest(...args: readonly string[]) {
  const env = { CI: undefined, APPLIANCE_SKIP_LOG: undefined, APPLIANCE_INSTALL: "no" };
  const run = await runProcess(["node", ".ci/test.mjs", ...args], { cwd: tree.path, env });
  const lines = run.stdout.trimEnd().split("\n");
  return { ...run, lines, last: lines.at(-1) };
}

describe(".ci/test.mjs", () => {
  test("counts what passed, failed and was skipped, the build being one of them", async () => {
    const run = await npmTest("unit/mixed");
    expect(run.last).toBe("2 passed, 1 failed, 1 skipped");
    expect(run.status).toBe(1);
    expect(run.lines).toContain(
      "skipped: test/unit/mixed.test.ts: 1 tests: needs no-such-program (package sh)",
    );
    expect(run.lines).toContain("failed: test/unit/mixed.test.ts: fails");
  }, 60_000);

  test("ends with two numbers and status 0 when all is well", async () => {
    const run = await npmTest("unit/good", "--seed=5");
    expect(run.last).toBe("2 passed, 0 failed");
    expect(run.status).toBe(0);
    expect(run.lines).toContain("seed of order and properties: 5");
  }, 60_000);

  test("counts only what a name pattern chooses", async () => {
    expect((await npmTest("unit/mixed", "-t", "passes")).last).toBe("2 passed, 0 failed");
  }, 60_000);

  test("counts a file that cannot be loaded as a failure", async () => {
    const run = await npmTest("unit/broken", "unit/good");
    expect(run.last).toBe("2 passed, 1 failed");
    expect(run.lines).toContain("failed: test/unit/broken.test.ts: did not run");
  }, 60_000);

  test("counts files that a dying process took with it as failures", async () => {
    const run = await npmTest("unit/lost");
    expect(run.last).toBe("1 passed, 1 failed");
    expect(run.status).toBe(1);
  }, 60_000);

  test("takes a reason from the name of a test, and no skip without any", async () => {
    const run = await npmTest("unit/silent");
    expect(run.last).toBe("1 passed, 1 failed, 2 skipped");
    expect(run.lines).toContain(
      "skipped: test/unit/silent.test.ts: 2 tests: the kernel is too old",
    );
    expect(run.lines).toContain(
      "failed: test/unit/silent.test.ts: is skipped: skipped without a reason",
    );
  }, 60_000);

  test("fails when no test file matches", async () => {
    const run = await npmTest("unit/nothing");
    expect(run.status).toBe(1);
    expect(run.stderr).toContain("No test file has unit/nothing in its path\n");
  }, 60_000);
});
