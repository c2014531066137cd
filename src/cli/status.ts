/**
 * `appliance status`: how the director is, once or again and again.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import type { Snapshot } from "../status/index.ts";
import { parseArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { formatErrorJson, formatErrorText } from "./failure.ts";
import { sleep } from "./terminal.ts";

const watchIntervalMs = 1000;
/** Cursor to the corner, and nothing left below (ECMA-48). */
const clearScreen = "\u001b[H\u001b[J";

const spec = { options: [{ name: "watch", short: "w" }, { name: "json" }] } as const;

type Show = (snapshot: Snapshot) => string;

async function watch(context: CommandContext, show: Show): Promise<ExitStatus> {
  const client = createControlClient(context);
  while (!context.signal.aborted) {
    let text: string;
    try {
      text = show(await client.snapshot());
    } catch (error) {
      // A director that is restarted comes back; a bug does not go away.
      if (context.signal.aborted) break;
      if (!(error instanceof ApplianceError)) throw error;
      text = formatErrorText("status", error);
    }
    context.stdout(context.isTerminal ? clearScreen + text : text);
    await sleep(watchIntervalMs, context.signal);
  }
  return exitStatus.ok;
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const isJson = given.has("json");
  // Loaded when needed: it brings the server's formatting along.
  const { formatStatus } = await import("./status-format.ts");
  const isWatch = given.has("watch");
  const show: Show = (snapshot) =>
    isJson
      ? `${JSON.stringify(snapshot, undefined, isWatch ? 0 : 2)}\n`
      : formatStatus(snapshot, context.color);
  if (isWatch) return watch(context, show);
  try {
    context.stdout(show(await createControlClient(context).snapshot()));
    return exitStatus.ok;
  } catch (error) {
    const isDown = error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING";
    if (!isDown) throw error;
    if (isJson) context.stdout(formatErrorJson(error));
    else context.stderr(formatErrorText("status", error));
    return exitStatus.notRunning;
  }
}

/** See the module's head. */
export const status: Command = {
  name: "status",
  summary: "Show services, real servers with their last check, and why",
  usage: "status [--watch] [--json]",
  details: `  -w, --watch  again each second, until Ctrl-C
  --json       everything, as GET /status has it; with --watch one line each time
Exit status 3: no director runs here.`,
  run,
};
