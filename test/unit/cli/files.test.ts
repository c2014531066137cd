import { expect, test } from "bun:test";

import { parseArguments } from "../../../src/cli/arguments.ts";
import { configOption, filesOf } from "../../../src/cli/files.ts";

test.each([
  [[], ["/etc/appliance/appliance.toml"]],
  [["--config", "a.toml"], ["a.toml"]],
  [
    ["-c", "a.toml", "b.toml", "--config=c.toml"],
    ["a.toml", "c.toml", "b.toml"],
  ],
] as [string[], string[]][])("filesOf %j", (args, expected) => {
  const given = parseArguments(args, { options: [configOption], operandsMax: 9 });
  expect(filesOf(given)).toEqual(expected);
});
