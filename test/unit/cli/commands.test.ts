import { expect, test } from "bun:test";

import { commands } from "../../../src/cli/commands.ts";

test("commands has every command of the product, each once", () => {
  expect(commands.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "completion",
    "config",
    "demo",
    "disable",
    "doctor",
    "drain",
    "enable",
    "import",
    "ldirectord",
    "list",
    "release",
    "reload",
    "run",
    "setup",
    "standby",
    "status",
    "takeover",
    "upgrade",
    "validate",
    "version",
    "weight",
  ]);
});

test.each(commands.map((command) => [command.name, command] as const))(
  "%s starts its usage with its name, its summary with a capital and without a full stop",
  (name, { usage, summary }) => {
    expect(usage.split(" ")[0]).toBe(name);
    expect(summary).toMatch(/^[A-Z].*[^.]$/);
  },
);
