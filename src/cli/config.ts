/**
 * `appliance config`: the effective configuration, of the director that runs or of files.
 *
 * @module
 */

import { availableParallelism } from "node:os";

import { ApplianceError } from "../errors/index.ts";
import { parseArguments } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { configOption, filesMax, filesOf } from "./files.ts";

const spec = { options: [configOption, { name: "json" }], operandsMax: filesMax } as const;

async function fromFiles(given: ParsedArguments): Promise<unknown> {
  const { explainConfig, loadConfig } = await import("../config/index.ts");
  const { config } = await loadConfig(filesOf(given), { cores: availableParallelism() });
  return explainConfig(config);
}

async function effective(given: ParsedArguments, context: CommandContext): Promise<unknown> {
  if (given.operands.length > 0 || given.has("config")) return fromFiles(given);
  try {
    return await createControlClient(context).configuration();
  } catch (error) {
    const isDown = error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING";
    if (!isDown) throw error;
    context.stderr(
      `appliance config: no director runs here; this is ${filesOf(given).join(" ")}\n`,
    );
    return fromFiles(given);
  }
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const value = await effective(given, context);
  context.stdout(`${JSON.stringify(value, undefined, given.has("json") ? 0 : 2)}\n`);
  return exitStatus.ok;
}

/** See the module's head. */
export const config: Command = {
  name: "config",
  summary: "Print the effective configuration, secrets masked",
  usage: "config [--config FILE…] [--json]",
  details: `  -c, --config FILE  of these files; without one of the director that runs, else of
                     /etc/appliance/appliance.toml or /etc/ha.d/ldirectord.cf
  --json             in one line
The keys are those of the configuration file, the form is JSON, defaults are filled in.`,
  run,
};
