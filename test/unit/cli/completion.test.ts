import { expect, test } from "bun:test";

import type { Command } from "../../../src/cli/command.ts";
import { createCompletion } from "../../../src/cli/completion.ts";
import { runInContext, runLine } from "../../helpers/cli-fixture.ts";

test.each([
  ["bash", "complete -F _appliance appliance"],
  ["zsh", "#compdef appliance"],
  ["fish", "complete -c appliance -f"],
])("completion %s prints its script", async (shell, line) => {
  const { status, stdout } = await runLine("/nonexistent", ["completion", shell]);
  expect(status).toBe(0);
  expect(stdout.split("\n")).toContain(line);
  expect(stdout).toContain("takeover");
});

test.each([[["tcsh"]], [[]], [["bash", "zsh"]]])("completion %p is refused", async (args) => {
  const { status, stderr } = await runLine("/nonexistent", ["completion", ...args]);
  expect(status).toBe(64);
  expect(stderr).toContain("usage: appliance completion bash|zsh|fish\n");
});

test("createCompletion asks for the table when it is needed", async () => {
  const table: Command[] = [];
  const completion = createCompletion(() => table);
  table.push({ name: "walk", summary: "Walk", usage: "walk", run: async () => 0 });
  const { stdout } = await runInContext("/nonexistent", (context) =>
    completion.run(["bash"], context),
  );
  expect(stdout).toContain("  walk)\n");
});
