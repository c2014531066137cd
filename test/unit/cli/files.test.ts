import { expect, test } from "bun:test";

import { parseArguments } from "../../../src/cli/arguments.ts";
import { configOption, defaultFile, filesOf } from "../../../src/cli/files.ts";

test.each([
  [[], [defaultFile()]],
  [["--config", "a.toml"], ["a.toml"]],
  [
    ["-c", "a.toml", "b.toml", "--config=c.toml"],
    ["a.toml", "c.toml", "b.toml"],
  ],
] as [string[], string[]][])("filesOf %j", (args, expected) => {
  const given = parseArguments(args, { options: [configOption], operandsMax: 9 });
  expect(filesOf(given)).toEqual(expected);
});

const native = "/etc/appliance/appliance.toml";
const old = "/etc/ha.d/ldirectord.cf";
test.each([
  [[native, old], native],
  [[old], old],
  [[], native],
])("defaultFile where %j exists", (existing, expected) => {
  expect(defaultFile((path) => existing.includes(path))).toBe(expected);
});
