/**
 * `appliance drain`, `disable`, `enable` and `weight`: changes of real servers at run time, kept
 * over reload and restart.
 *
 * @module
 */

import type { ChangeRequest } from "../status/index.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { OptionSpec, ParsedArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import type { Changed, ControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { waitForChange } from "./drain-wait.ts";
import type { WaitGoal, WaitResult } from "./drain-wait.ts";

const serviceOption: OptionSpec = { name: "service", takesValue: true };
const jsonOption: OptionSpec = { name: "json" };
const waitOptions: readonly OptionSpec[] = [
  { name: "wait" },
  { name: "timeout", takesValue: true },
];

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Ms of `500ms`, `30s`, `5m`, `1h`. @throws {UsageError} for anything else. */
function parseTimeout(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h)$/.exec(text);
  if (match === null) throw new UsageError(`Expected a duration such as 30s or 5m, got ${text}`);
  return Number(match[1]) * unitsMs[match[2]!]!;
}

/** What a command does, and what its options mean. */
interface ServerCommand {
  readonly name: "drain" | "disable" | "enable";
  readonly goal: WaitGoal;
  /** Past participle for the answer. */
  readonly done: string;
  /** What is waited for, in words; `count` may be 0. */
  readonly leftText: (count: number) => string;
}

function printChanged(context: CommandContext, { changed, warning }: Changed, done: string): void {
  for (const { service, server } of changed) context.stdout(`${service} ${server}: ${done}\n`);
  if (warning !== undefined) context.stderr(`warning: ${warning}\n`);
}

/** One run of a command. */
interface Run {
  readonly command: ServerCommand;
  readonly given: ParsedArguments;
  readonly client: ControlClient;
  readonly context: CommandContext;
}

async function waitFor(run: Run, changed: Changed["changed"], timeoutMs: number | undefined) {
  const { command, given, client, context } = run;
  const isQuiet = given.has("json");
  return waitForChange({
    client,
    changed,
    goal: command.goal,
    timeoutMs,
    signal: context.signal,
    onProgress: (left) => {
      if (!isQuiet) context.stdout(`${command.leftText(left)}\n`);
    },
  });
}

/** Tells how the wait ended. */
function finish({ command, given, context }: Run, result: WaitResult): ExitStatus {
  if (result.outcome === "done") return exitStatus.ok;
  const why = result.outcome === "timeout" ? "the time is over" : "interrupted";
  const text = `${why}, ${command.leftText(result.left)}; ${command.name} stays in force`;
  if (!given.has("json")) context.stderr(`appliance ${command.name}: ${text}\n`);
  return exitStatus.busy;
}

function requestOf({ name }: ServerCommand, given: ParsedArguments): ChangeRequest {
  const common = { server: given.operands[0]!, service: given.value("service") };
  if (name === "disable") return { ...common, action: "disable", kill: given.has("kill") };
  return { ...common, action: name };
}

async function runServerCommand(run: Run): Promise<ExitStatus> {
  const { command, given, client, context } = run;
  const timeoutText = given.value("timeout");
  const timeoutMs = timeoutText === undefined ? undefined : parseTimeout(timeoutText);
  const isWaiting = given.has("wait");
  if (timeoutMs !== undefined && !isWaiting) throw new UsageError("Expected --wait with --timeout");
  const answer = await client.change(requestOf(command, given));
  const isJson = given.has("json");
  if (!isJson) printChanged(context, answer, command.done);
  const result = isWaiting ? await waitFor(run, answer.changed, timeoutMs) : undefined;
  if (isJson) {
    const { changed, warning } = answer;
    context.stdout(`${JSON.stringify({ changed, warning, wait: result })}\n`);
  }
  return result === undefined ? exitStatus.ok : finish(run, result);
}

function createServerCommand(
  command: ServerCommand,
  texts: Pick<Command, "summary" | "usage"> & { readonly details: string },
): Command {
  const options = [serviceOption, ...waitOptions, jsonOption];
  if (command.name === "disable") options.push({ name: "kill" });
  return {
    name: command.name,
    ...texts,
    async run(args, context) {
      const given = parseArguments(args, { options, operandsMin: 1, operandsMax: 1 });
      return runServerCommand({ command, given, client: createControlClient(context), context });
    },
  };
}

const commonDetails = `  REAL_SERVER     address:port, host:port, or the address or host alone
  --service NAME  in this virtual service only; without it in every one that has the server
  --timeout D     wait no longer, for example 30s or 5m; then exit status 75`;

function connectionsLeft(count: number): string {
  return count === 1 ? "1 connection left" : `${count} connections left`;
}

function serversNotUp(count: number): string {
  if (count === 0) return "all real servers are up";
  return count === 1 ? "1 real server is not up yet" : `${count} real servers are not up yet`;
}

/** Nothing new, old connections are kept. */
export const drain = createServerCommand(
  { name: "drain", goal: "no-connections", done: "draining", leftText: connectionsLeft },
  {
    summary: "Send nothing new to a real server, keep its connections",
    usage: "drain REAL_SERVER [--service NAME] [--wait] [--timeout D] [--json]",
    details: `${commonDetails}
  --wait          until its connections have ended, with progress
Nothing new comes through persistence either. Kept over reload and restart; undone by enable.`,
  },
);

/** As drain, and no checks. */
export const disable = createServerCommand(
  { name: "disable", goal: "no-connections", done: "disabled", leftText: connectionsLeft },
  {
    summary: "Drain a real server and stop its checks",
    usage: "disable REAL_SERVER [--service NAME] [--kill] [--wait] [--timeout D] [--json]",
    details: `${commonDetails}
  --kill          end its connections at once
  --wait          until its connections have ended, with progress
Kept over reload and restart; undone by enable.`,
  },
);

/** Undoes both. */
export const enable = createServerCommand(
  { name: "enable", goal: "up", done: "enabled", leftText: serversNotUp },
  {
    summary: "Undo drain or disable",
    usage: "enable REAL_SERVER [--service NAME] [--wait] [--timeout D] [--json]",
    details: `${commonDetails}
  --wait          until its checks have found it up, with progress`,
  },
);

const weightMax = 65_535;

/** Sets a weight over the configured one. */
export const weight: Command = {
  name: "weight",
  summary: "Set the weight of a real server",
  usage: "weight REAL_SERVER N [--service NAME] [--json]",
  details: `  REAL_SERVER     address:port, host:port, or the address or host alone
  N               0 to ${weightMax}; 0: nothing new
  --service NAME  in this virtual service only; without it in every one that has the server
Kept over reload and restart, until the configured weight is set again.`,
  async run(args, context) {
    const options = [serviceOption, jsonOption];
    const given = parseArguments(args, { options, operandsMin: 2, operandsMax: 2 });
    const server = given.operands[0]!;
    const text = given.operands[1]!;
    const value = /^\d{1,5}$/.test(text) ? Number(text) : weightMax + 1;
    if (value > weightMax) {
      throw new UsageError(`Expected a weight of 0 to ${weightMax}, got ${text}`);
    }
    const answer = await createControlClient(context).change({
      action: "weight",
      server,
      service: given.value("service"),
      weight: value,
    });
    if (given.has("json")) context.stdout(`${JSON.stringify(answer)}\n`);
    else printChanged(context, answer, `weight ${value}`);
    return exitStatus.ok;
  },
};
