/**
 * `appliance standby` and `appliance takeover`: hand virtual addresses over, or take them, at once.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";

interface Handover {
  readonly action: "standby" | "takeover";
  readonly name: string | undefined;
  readonly force: boolean;
  readonly isJson: boolean;
}

async function handOver(handover: Handover, context: CommandContext): Promise<ExitStatus> {
  const { action, name, force, isJson } = handover;
  const request = { action, force, ...(name !== undefined && { name }) };
  const routers = await createControlClient(context).handover(request);
  if (isJson) context.stdout(`${JSON.stringify({ routers })}\n`);
  else for (const one of routers) context.stdout(`${one.name} is ${one.state}\n`);
  return exitStatus.ok;
}

const standbySpec = { options: [{ name: "json" }], operandsMax: 1 } as const;
const takeoverSpec = { options: [{ name: "force" }, { name: "json" }], operandsMax: 1 } as const;

/** See the module's head. */
export const standby: Command = {
  name: "standby",
  summary: "Hand the virtual addresses to the other director",
  usage: "standby [INSTANCE] [--json]",
  details: `  INSTANCE  name of a [[vrrp]]; without one, all of them
This director stays backup until 'appliance takeover', a restart, or the other's end.`,
  async run(args, context) {
    const given = parseArguments(args, standbySpec);
    const [name] = given.operands;
    const isJson = given.has("json");
    return handOver({ action: "standby", name, force: false, isJson }, context);
  },
};

/** See the module's head. */
export const takeover: Command = {
  name: "takeover",
  summary: "Take the virtual addresses over",
  usage: "takeover [INSTANCE] [--force] [--json]",
  details: `  INSTANCE  name of a [[vrrp]]; without one, all of them
  --force   also if another node answers for an address, or a witness is not reached
The answer is the state right after the order; 'appliance status' shows what came of it.`,
  async run(args, context) {
    const given = parseArguments(args, takeoverSpec);
    const [name] = given.operands;
    const isJson = given.has("json");
    return handOver({ action: "takeover", name, force: given.has("force"), isJson }, context);
  },
};
