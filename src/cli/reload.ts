/**
 * `appliance reload`: the director reads its configuration anew and applies what has changed.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";

const spec = { options: [{ name: "dry-run" }, { name: "json" }] } as const;

/** See the module's head. */
export const reload: Command = {
  name: "reload",
  summary: "Apply what has changed in the configuration files",
  usage: "reload [--dry-run] [--json]",
  details: `  --dry-run  print what would change, change nothing
A configuration with a fault changes nothing: exit status 65, the faults on stderr.`,
  async run(args, context) {
    const given = parseArguments(args, spec);
    const plan = await createControlClient(context).reload(given.has("dry-run"));
    if (given.has("json")) context.stdout(`${JSON.stringify({ plan })}\n`);
    else if (plan.length === 0) context.stdout("nothing has changed\n");
    else for (const line of plan) context.stdout(`${line}\n`);
    return exitStatus.ok;
  },
};
