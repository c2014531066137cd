import { expect, test } from "bun:test";

import { parseArguments } from "../../../src/cli/arguments.ts";
import { configOption, defaultFiles, filesOf } from "../../../src/cli/files.ts";

test.each([
  [[], [...defaultFiles()]],
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
const folder = "/etc/ha.d";
const pair = [folder, `${folder}/ha.cf`, `${folder}/haresources`];
test.each([
  [[native, old, ...pair], [native]],
  [[folder, old], [old]],
  [
    [old, ...pair],
    [folder, old],
  ],
  [pair, [folder]],
  // A ha.cf alone is that of a cluster manager.
  [[folder, `${folder}/ha.cf`, old], [old]],
  [[], [native]],
] as [string[], string[]][])("defaultFiles where %j exist", (existing, expected) => {
  expect(defaultFiles((path) => existing.includes(path))).toEqual(expected);
});
