/**
 * Called as `LVSSyncDaemonSwap`: Heartbeat's script that swaps the roles of ip_vs's sync daemon.
 *
 * Here the directors send each other their state in both directions at once, so there is nothing
 * to swap; `status` says whether this director is the one that has the addresses. `master` and
 * `backup` are the words of ipvsadm(8) for the two roles.
 *
 * @module
 */

import { ApplianceError } from "../../errors/index.ts";
import type { Snapshot } from "../../status/index.ts";
import { createControlClient } from "../client.ts";
import { exitStatus } from "../command.ts";
import type { Command, CommandContext, ExitStatus } from "../command.ts";
import { answerAs, heartbeatFailed } from "./answer.ts";

const program = "LVSSyncDaemonSwap";
const usage = `usage: ${program} {master|backup} {start|stop|status|monitor|cleanup}\n`;

/** A role is not taken by order here. */
const ordersWithoutEffect: ReadonlySet<string> = new Set(["start", "stop", "cleanup"]);

async function snapshotOf(context: CommandContext): Promise<Snapshot | undefined> {
  try {
    return await createControlClient(context).snapshot();
  } catch (error) {
    if (error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING") return undefined;
    throw error;
  }
}

async function answerStatus(role: string, context: CommandContext): Promise<ExitStatus> {
  const snapshot = await snapshotOf(context);
  const isActive = snapshot?.failover?.routers.some(({ state }) => state === "active") === true;
  const runs = snapshot !== undefined && isActive === (role === "master");
  if (runs) context.stdout(`${role} running\n(appliance pid: ${snapshot.pid})\n`);
  else context.stdout(`${role} stopped\n`);
  return runs ? exitStatus.ok : exitStatus.notRunning;
}

/** See the module's head. */
export const lvsSyncDaemonSwap: Command = {
  name: program,
  summary: "Answer as LVSSyncDaemonSwap does",
  usage: `${program} ROLE VERB`,
  run(args, context) {
    return answerAs(program, context, async () => {
      const [role = "", verb = ""] = args;
      const isRole = role === "master" || role === "backup";
      if (isRole && (verb === "status" || verb === "monitor")) {
        return await answerStatus(role, context);
      }
      // The director needs no order; a script that gives one goes on.
      if (isRole && ordersWithoutEffect.has(verb)) return exitStatus.ok;
      context.stderr(usage);
      return heartbeatFailed;
    });
  },
};
