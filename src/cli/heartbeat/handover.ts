/**
 * Called as `hb_standby` or `hb_takeover`: Heartbeat's words for `appliance standby` and
 * `appliance takeover`.
 *
 * @module
 */

import { createControlClient } from "../client.ts";
import { exitStatus } from "../command.ts";
import type { Command, CommandContext, ExitStatus } from "../command.ts";
import { answerAs, heartbeatFailed } from "./answer.ts";
import { isResourceSet, resourceSetWords, routersOf } from "./resource-set.ts";
import type { ResourceSet } from "./resource-set.ts";

interface Move {
  readonly program: "hb_standby" | "hb_takeover";
  readonly action: "standby" | "takeover";
  /** `uname -n` of this host. */
  readonly node: () => string;
}

async function moveSet(
  { program, action, node }: Move,
  set: ResourceSet,
  context: CommandContext,
): Promise<ExitStatus> {
  const client = createControlClient(context);
  const { failover } = await client.snapshot();
  const routers = routersOf(failover?.routers ?? [], set, node());
  if (routers.length === 0) {
    context.stderr(`${program}: this director has no virtual router in the set ${set}\n`);
    return heartbeatFailed;
  }
  // One order for all of them keeps groups together.
  const names = set === "all" ? [undefined] : routers.map(({ name }) => name);
  for (const name of names) {
    await client.handover({ action, force: false, ...(name !== undefined && { name }) });
  }
  context.stdout(`Going ${action} [${set}].\n`);
  return exitStatus.ok;
}

/** The command over a host's name. */
export function createMove(move: Move): Command {
  const { program, action } = move;
  return {
    name: program,
    summary: `${action === "standby" ? "Hand" : "Take"} virtual addresses over, as ${program}`,
    usage: `${program} [${resourceSetWords}]`,
    run(args, context) {
      return answerAs(program, context, async () => {
        const [word = "all", ...rest] = args;
        if (isResourceSet(word) && rest.length === 0) return await moveSet(move, word, context);
        const isHelp = word === "--help" || word === "-h";
        const write = isHelp ? context.stdout : context.stderr;
        write(`Usage: ${program} [${resourceSetWords}]\n`);
        return isHelp ? exitStatus.ok : heartbeatFailed;
      });
    },
  };
}
