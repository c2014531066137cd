/**
 * `appliance completion`: what a shell needs to complete a command line.
 *
 * @module
 */

import { parseArguments, UsageError } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";
import { formatCompletion, shells } from "./completion-script.ts";
import { completionWords } from "./completion-words.ts";

const spec = { options: [], operandsMin: 1, operandsMax: 1 } as const;

/**
 * The command, for a table that it is part of itself.
 *
 * @param commandsOf Gives the table once it is complete.
 */
export function createCompletion(commandsOf: () => readonly Command[]): Command {
  return {
    name: "completion",
    summary: "Print a completion script for a shell",
    usage: "completion bash|zsh|fish",
    details: `  bash  eval "$(appliance completion bash)"
  zsh   source <(appliance completion zsh)
  fish  appliance completion fish | source
For good: a file with what it prints, where the shell looks for such. The Debian package brings all
three of them.`,
    async run(args, context) {
      const given = parseArguments(args, spec).operands[0];
      const shell = shells.find((one) => one === given);
      if (shell === undefined) throw new UsageError(`Expected bash, zsh or fish, got ${given}`);
      context.stdout(formatCompletion(shell, commandsOf().map(completionWords)));
      return exitStatus.ok;
    },
  };
}
