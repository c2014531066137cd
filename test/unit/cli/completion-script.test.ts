import { expect, test } from "bun:test";
import { join } from "node:path";

import { commands } from "../../../src/cli/commands.ts";
import { formatCompletion, shells } from "../../../src/cli/completion-script.ts";
import { completionWords } from "../../../src/cli/completion-words.ts";
import type { CommandWords } from "../../../src/cli/completion-words.ts";
import { requirePeer, satisfied } from "../../helpers/require-peer.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const words = commands.map(completionWords);
const needs = {
  bash: Bun.which("bash") === null ? requirePeer("zsh") : satisfied,
  zsh: requirePeer("zsh"),
  fish: requirePeer("fish"),
};

/** A command whose texts are what a shell would like to read. */
const hostile: CommandWords = {
  name: "hostile",
  summary: 'It\'s $(false) `false` \\ : [x] "y"',
  options: [
    { name: "--it", short: "-i", value: "other", about: "'; exit 9; $(exit 9) [a:b] \\" },
    { name: "--file", short: undefined, value: "file", about: "" },
  ],
  words: ["a", "b"],
  takesFiles: true,
};

for (const shell of shells) {
  const { skip } = needs[shell];
  test.skipIf(skip).each([
    ["its commands", words],
    ["texts that a shell would read", [hostile]],
    ["nothing", []],
  ])(`formatCompletion gives ${shell} a script that it reads: %s`, async (_name, given) => {
    using folder = createTempFolder();
    const path = join(folder.path, "script");
    await Bun.write(path, formatCompletion(shell, given));
    const { exitCode, stderr } = Bun.spawnSync([shell, "-n", path]);
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
  });
}

/** What bash would offer after these words; the last one is not finished. */
async function complete(...line: readonly string[]): Promise<string[]> {
  using folder = createTempFolder();
  await Bun.write(join(folder.path, "some.toml"), "");
  const script = `${formatCompletion("bash", words)}
COMP_WORDS=(appliance "$@"); COMP_CWORD=$#
_appliance
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = Bun.spawnSync(["bash", "-c", script, "bash", ...line], { cwd: folder.path });
  return stdout.toString().trim().split("\n");
}

test.each([
  [["dr"], ["drain"]],
  [["help", "val"], ["validate"]],
  [["drain", "--s"], ["--service"]],
  [["drain", "--service", ""], [""]],
  [["setup", "real"], ["realserver"]],
  [["setup", "director", "--un"], ["--undo"]],
  [
    ["completion", ""],
    ["bash", "zsh", "fish", "--help"],
  ],
  [["run", "--config", "so"], ["some.toml"]],
  [["validate", "so"], ["some.toml"]],
  [["nothing", ""], [""]],
])("formatCompletion: bash completes %p", async (line, offers) => {
  expect(await complete(...line)).toEqual(offers);
});
