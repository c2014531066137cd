import { expect, test } from "bun:test";

import type { Command } from "../../../src/cli/command.ts";
import { formatCommandHelp, formatHelp, formatUsage } from "../../../src/cli/help.ts";

const walk: Command = {
  name: "walk",
  summary: "Walk a way",
  usage: "walk WAY",
  details: "  WAY  which one",
  run: async () => 0,
};
const sit: Command = { name: "sit", summary: "Sit", usage: "sit", run: async () => 0 };

test("formatCommandHelp has usage, summary and details", () => {
  expect(formatCommandHelp(walk)).toBe(
    "usage: appliance walk WAY\n\nWalk a way.\n\n  WAY  which one\n",
  );
  expect(formatCommandHelp(sit)).toBe("usage: appliance sit\n\nSit.\n");
  expect(formatUsage(sit)).toBe("usage: appliance sit\n");
});

test("formatHelp lists the commands in their groups", () => {
  const text = formatHelp([
    { title: "Moving", commands: [walk] },
    { title: "Resting", commands: [sit] },
  ]);
  expect(text).toContain("Moving:\n  walk  Walk a way\n\nResting:\n  sit   Sit\n");
});
