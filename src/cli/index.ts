/**
 * The operator's commands.
 *
 * One file a command, listed in `commands.ts`; to add one, write the file, add it there, add its
 * test. Commands print through their context and return an exit status.
 *
 * @module
 */

export { exitStatus } from "./command.ts";
export type { Command, CommandContext, ExitStatus } from "./command.ts";
export { runCli } from "./run-cli.ts";
