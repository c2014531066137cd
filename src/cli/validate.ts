/**
 * `appliance validate`: checks configuration files and changes nothing.
 *
 * @module
 */

import { availableParallelism } from "node:os";

import type { LoadedConfig } from "../config/index.ts";
import { parseArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { filesMax, filesOf } from "./files.ts";

const spec = { options: [{ name: "json" }], operandsMax: filesMax } as const;

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

function summaryOf({ config, files }: LoadedConfig): string {
  const { virtualServices, virtualRouters } = config;
  const servers = virtualServices.reduce((sum, { realServers }) => sum + realServers.length, 0);
  const counts = [
    plural(virtualServices.length, "virtual service"),
    plural(servers, "real server"),
    // Most have none: a lone director.
    ...(virtualRouters.length === 0 ? [] : [plural(virtualRouters.length, "virtual router")]),
  ];
  return `${files.join(" ")}: ok, ${counts.join(", ")}\n`;
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const isJson = given.has("json");
  const { ConfigError, formatProblem, formatWarning, loadConfig } =
    await import("../config/index.ts");
  try {
    const loaded = await loadConfig(filesOf(given), { cores: availableParallelism() });
    const { files, warnings } = loaded;
    if (isJson) {
      context.stdout(`${JSON.stringify({ valid: true, files, problems: [], warnings })}\n`);
    } else {
      for (const warning of warnings) context.stderr(`warning: ${formatWarning(warning)}\n`);
      context.stdout(summaryOf(loaded));
    }
    return exitStatus.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems, omitted } = error;
    if (isJson) context.stdout(`${JSON.stringify({ valid: false, problems, omitted })}\n`);
    else {
      for (const problem of problems) context.stderr(`${formatProblem(problem)}\n`);
      if (omitted > 0) context.stderr(`and ${omitted} more\n`);
    }
    return exitStatus.dataError;
  }
}

/** See the module's head. */
export const validate: Command = {
  name: "validate",
  summary: "Check configuration files, tell every problem at once",
  usage: "validate [FILE…] [--json]",
  details: `Native files, an ldirectord.cf, or a folder of Heartbeat. Several files are one
configuration, as for run. Without one: /etc/appliance/appliance.toml, or else
/etc/ha.d/ldirectord.cf.
Exit status 65: there are problems; 66: a file is missing; 77: a file may not be read.`,
  run,
};
