/**
 * From arguments to a command, and from whatever it throws to an exit status.
 *
 * @module
 */

import { mentions, UsageError } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { commandGroups, commands } from "./commands.ts";
import { exitStatusOf, formatErrorJson, formatErrorText } from "./failure.ts";
import { formatCommandHelp, formatHelp, formatUsage } from "./help.ts";
import { commandInvokedAs } from "./invoked-as.ts";
import { suggestNote } from "./suggestion.ts";

function find(name: string): Command | undefined {
  return commands.find((command) => command.name === name);
}

function unknown(name: string, { stderr }: CommandContext): ExitStatus {
  const known = commands.map((command) => command.name);
  stderr(`appliance: Unknown command ${name}${suggestNote(name, [...known, "help"])}\n`);
  stderr('"appliance help" lists the commands\n');
  return exitStatus.usage;
}

/** `help`, `help COMMAND`. */
function help(names: readonly string[], context: CommandContext): ExitStatus {
  const name = names.find((one) => !one.startsWith("-"));
  const command = name === undefined ? undefined : find(name);
  if (name !== undefined && name !== "help" && command === undefined) return unknown(name, context);
  context.stdout(command === undefined ? formatHelp(commandGroups) : formatCommandHelp(command));
  return exitStatus.ok;
}

/** Tells what a command threw. */
function fail(
  command: Command,
  error: unknown,
  options: { readonly context: CommandContext; readonly isJson: boolean },
): ExitStatus {
  const { context, isJson } = options;
  if (context.signal.aborted) return exitStatus.interrupted;
  if (isJson) context.stdout(formatErrorJson(error));
  else context.stderr(formatErrorText(command.name, error));
  if (error instanceof UsageError && !isJson) context.stderr(formatUsage(command));
  return exitStatusOf(error);
}

/** Runs `command`, and tells what it throws. */
async function attempt(
  command: Command,
  args: readonly string[],
  context: CommandContext,
): Promise<ExitStatus> {
  try {
    return await command.run(args, context);
  } catch (error) {
    return fail(command, error, { context, isJson: mentions(args, "--json") });
  }
}

/** `appliance COMMAND …`. */
function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
): ExitStatus | Promise<ExitStatus> {
  const [name, ...args] = argv;
  if (name === undefined) {
    context.stderr(formatHelp(commandGroups));
    return exitStatus.usage;
  }
  if (name === "help" || name === "--help" || name === "-h") return help(args, context);
  const command = find(name === "--version" || name === "-V" ? "version" : name);
  if (command === undefined) return unknown(name, context);
  if (mentions(args, "--help", "-h")) return help([command.name], context);
  return attempt(command, args, context);
}

/**
 * Runs one command line, without the program's name.
 *
 * @param argv0 How the program was called; another program's name makes it answer in its place.
 * @returns The exit status; never throws or rejects.
 */
export async function runCli(
  argv: readonly string[],
  context: CommandContext,
  argv0 = "appliance",
): Promise<ExitStatus> {
  const standIn = commandInvokedAs(argv0);
  return standIn === undefined ? runCommandLine(argv, context) : attempt(standIn, argv, context);
}
