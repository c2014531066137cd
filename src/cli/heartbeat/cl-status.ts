/**
 * Called as `cl_status`: what scripts and monitoring ask of Heartbeat, answered by this director.
 *
 * Facts: cl_status(1) of Heartbeat 3.0. What is about Heartbeat's own links and clients has no
 * answer here and says so.
 *
 * @module
 */

import { ApplianceError } from "../../errors/index.ts";
import { createControlClient } from "../client.ts";
import { exitStatus } from "../command.ts";
import type { Command, CommandContext, ExitStatus } from "../command.ts";
import { answerAs, heartbeatFailed } from "./answer.ts";
import { heldSet } from "./resource-set.ts";

const usage = `Usage: cl_status hbstatus
       cl_status rscstatus [-m]
       cl_status nodestatus NODE

This is appliance in the place of Heartbeat: "appliance status" tells more.
`;

/** Answers of Heartbeat that are about its own links, clients and parameters. */
const withoutAnswer: ReadonlySet<string> = new Set([
  "listnodes",
  "nodetype",
  "nodeweight",
  "clientstatus",
  "hbparameter",
  "parameter",
  "listhblinks",
  "hblinkstatus",
]);

interface Question {
  readonly args: readonly string[];
  readonly context: CommandContext;
  /** `uname -n` of this host. */
  readonly node: () => string;
}

type Answer = (question: Question) => Promise<ExitStatus>;

async function isRunning(context: CommandContext): Promise<boolean> {
  try {
    await createControlClient(context).snapshot();
    return true;
  } catch (error) {
    if (error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING") return false;
    throw error;
  }
}

async function answerRunning({ context }: Question): Promise<ExitStatus> {
  const runs = await isRunning(context);
  context.stdout(`Heartbeat is ${runs ? "running" : "stopped"} on this machine.\n`);
  return runs ? exitStatus.ok : heartbeatFailed;
}

async function answerResources({ args, context, node }: Question): Promise<ExitStatus> {
  const { failover } = await createControlClient(context).snapshot();
  const set = heldSet(failover?.routers ?? [], node());
  const isLong = args.includes("-m");
  context.stdout(isLong ? `This node is holding ${set} resources.\n` : `${set}\n`);
  return exitStatus.ok;
}

async function answerNode({ args: [name], context, node }: Question): Promise<ExitStatus> {
  if (name !== node()) {
    context.stderr("cl_status: only the node of this host is known here\n");
    return heartbeatFailed;
  }
  const runs = await isRunning(context);
  context.stdout(runs ? "active\n" : "dead\n");
  return runs ? exitStatus.ok : heartbeatFailed;
}

const answers: ReadonlyMap<string, Answer> = new Map([
  ["hbstatus", answerRunning],
  ["rscstatus", answerResources],
  ["nodestatus", answerNode],
]);

/** The command over a host's name. */
export function createClStatus(node: () => string): Command {
  return {
    name: "cl_status",
    summary: "Answer as cl_status does",
    usage: "cl_status QUESTION [ARGUMENT…]",
    run(args, context) {
      return answerAs("cl_status", context, async () => {
        const [word = "", ...rest] = args.filter((one, index) => index > 0 || one !== "-m");
        const answer = answers.get(word);
        if (answer !== undefined) return await answer({ args: rest, context, node });
        if (word === "--help" || word === "-h") {
          context.stdout(usage);
          return exitStatus.ok;
        }
        if (withoutAnswer.has(word)) {
          context.stderr(`cl_status: ${word} has no answer here; try "appliance status"\n`);
        } else context.stderr(usage);
        return heartbeatFailed;
      });
    },
  };
}
