import { expect, test } from "bun:test";

import type { Command } from "../../../src/cli/command.ts";
import { commands } from "../../../src/cli/commands.ts";
import { completionWords } from "../../../src/cli/completion-words.ts";

function command(usage: string, details?: string): Command {
  const name = usage.split(" ")[0]!;
  const own = { name, summary: "Walk", usage, run: async () => 0 as const };
  return details === undefined ? own : { ...own, details };
}

test("completionWords takes options from the usage", () => {
  const { options } = completionWords(command("walk [--json] [-t|-u ADDRESS:PORT] [--from FILE…]"));
  expect(options).toEqual([
    { name: "--json", short: undefined, value: undefined, about: "" },
    { name: "-t", short: undefined, value: "other", about: "" },
    { name: "-u", short: undefined, value: "other", about: "" },
    { name: "--from", short: undefined, value: "file", about: "" },
  ]);
});

test("completionWords takes short names and texts from the help, each option once", () => {
  const { options } = completionWords(
    command(
      "walk [-c] [--config FILE…]",
      "  -c, --config FILE  where it stands,\n                     or not\n  --slow, --fast  how\nNot --this.",
    ),
  );
  expect(options).toEqual([
    { name: "--config", short: "-c", value: "file", about: "where it stands," },
    { name: "--slow", short: undefined, value: undefined, about: "how" },
    { name: "--fast", short: undefined, value: undefined, about: "how" },
  ]);
});

test.each([
  ["walk north|south", [], ["north", "south"]],
  ["walk [north|south] [--vip ADDRESS…]", [], ["north", "south"]],
  ["walk north --vip ADDRESS… [OPTION…] | walk south [--json]", [], ["north", "south"]],
  ["walk WAY", ["WAY is north, south-east or west."], ["north", "south-east", "west"]],
  ["walk WAY", ["WAY is long."], []],
])("completionWords finds the words of %s", (usage, details, words) => {
  expect(completionWords(command(usage, details.join("\n"))).words).toEqual(words);
});

test.each([
  ["walk FILE…", true],
  ["walk [FILE…] [--json]", true],
  ["walk [CONFIG] VERB", true],
  ["walk [--config FILE…]", false],
  ["walk REAL_SERVER", false],
])("completionWords: files may follow %s: %p", (usage, takesFiles) => {
  expect(completionWords(command(usage)).takesFiles).toBe(takesFiles);
});

test.each([
  ["setup", ["realserver", "director"], ["--vip", "--method", "--interface", "--undo"]],
  ["doctor", ["realserver", "director"], ["--vip", "--config", "--json"]],
  ["ldirectord", ["start", "stop", "force-reload"], ["--debug"]],
  ["drain", [], ["--service", "--wait", "--timeout"]],
  ["completion", ["bash", "zsh", "fish"], []],
])("completionWords of %s has what its own help says", (name, words, options) => {
  const found = completionWords(commands.find((one) => one.name === name)!);
  expect(found.words).toEqual(expect.arrayContaining(words));
  expect(found.options.map((one) => one.name)).toEqual(expect.arrayContaining(options));
});
