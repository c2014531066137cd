/**
 * `appliance upgrade`: the executable that is on disk now takes over from the director that runs.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";

const spec = { options: [{ name: "json" }] } as const;

/** See the module's head. */
export const upgrade: Command = {
  name: "upgrade",
  summary: "Let the executable on disk take over without losing connections",
  usage: "upgrade [--json]",
  details: `The director starts the file that it was started from itself. The new process takes the
listeners over; the old one lets its connections end, up to stop_timeout, and goes.
A new one that does not come up leaves the old one running: exit status 69, the reason on stderr.`,
  async run(args, context) {
    const given = parseArguments(args, spec);
    const { pid, version } = await createControlClient(context).upgrade();
    if (given.has("json")) context.stdout(`${JSON.stringify({ pid, version })}\n`);
    else context.stdout(`version ${version} has taken over, process ${pid}\n`);
    return exitStatus.ok;
  },
};
