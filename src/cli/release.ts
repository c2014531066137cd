/**
 * `appliance release`: removes virtual addresses that a director has left behind. For a service
 * manager, after the director has ended (ExecStopPost).
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import { parseArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext } from "./command.ts";

const spec = { options: [{ name: "json" }] } as const;

/**
 * True if a director answers at the control socket: its addresses are its own business. One that
 * does not answer in time, or not to this user, runs as well.
 */
async function isRunning(context: CommandContext): Promise<boolean> {
  try {
    await createControlClient(context).snapshot();
    return true;
  } catch (error) {
    if (error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING") return false;
    throw error;
  }
}

/** See the module's head. */
export const release: Command = {
  name: "release",
  summary: "Remove virtual addresses left behind",
  usage: "release [--json]",
  details: `Removes each address that a director of this host has added and marked, if none runs.
The fence, which keeps them from being answered for, is taken off afterwards.
Kernels before 5.18 keep no marks: there the next start removes what its configuration names.`,
  async run(args, context) {
    const given = parseArguments(args, spec);
    if (await isRunning(context)) {
      context.stderr("appliance release: a director runs and keeps its addresses\n");
      return exitStatus.busy;
    }
    const { releaseAddresses } = await import("../daemon/index.ts");
    const released = releaseAddresses(context.environment);
    if (given.has("json")) context.stdout(`${JSON.stringify({ released })}\n`);
    else for (const one of released) context.stdout(`${one.address} removed from ${one.device}\n`);
    return exitStatus.ok;
  },
};
