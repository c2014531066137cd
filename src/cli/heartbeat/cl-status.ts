/**
 * Called as `cl_status`: what scripts and monitoring ask of Heartbeat, answered by this director.
 *
 * Facts: cl_status(1) and answers of Heartbeat 3.0. With -m the answer is a sentence.
 *
 * @module
 */

import { ApplianceError } from "../../errors/index.ts";
import { createControlClient } from "../client.ts";
import { exitStatus } from "../command.ts";
import type { Command, CommandContext, ExitStatus } from "../command.ts";
import { program } from "../program.ts";
import { answerAs, heartbeatFailed } from "./answer.ts";
import {
  isClientOnline,
  linksOf,
  linkStatusOf,
  nodesOf,
  nodeStatusOf,
  nodeTypeOf,
  readCluster,
} from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import { heldSet } from "./resource-set.ts";

const usage = `Usage: cl_status hbstatus [-v]
       cl_status listnodes [-p|-n] [-v]
       cl_status nodestatus|nodetype|nodeweight NODE
       cl_status listhblinks NODE [-v]
       cl_status hblinkstatus NODE LINK
       cl_status clientstatus NODE CLIENT [TIMEOUT]
       cl_status rscstatus
       cl_status hbparameter -p PARAMETER

-m gives sentences. This is appliance in the place of Heartbeat: "appliance status" tells more.
`;

/** Heartbeat's weight of every node, unless somebody sets another. */
const nodeWeight = 100;

interface Question {
  /** What stands behind the sub-command, without options. */
  readonly operands: readonly string[];
  /** Letters of the options. */
  readonly options: ReadonlySet<string>;
  readonly cluster: Cluster;
}

/** What is printed: the plain answer, and a sentence; a text alone is what cannot be said. */
type Answer = { readonly plain: string; readonly sentence?: string } | string;

const unknownNode = "Error. Maybe due to incorrect node name.";
const silentNode = "Error. Without [peer] a director that is backup is silent.";

function listNodes({ cluster, options }: Question): Answer {
  const types = (["normal", "ping"] as const).filter((type) => {
    return !options.has(type === "ping" ? "n" : "p");
  });
  const names = types.flatMap((type) => nodesOf(cluster, type));
  if (!options.has("v")) return { plain: names.join("\n") };
  const blocks = names.map((name) => {
    const status = nodeStatusOf(cluster, name) ?? "unknown";
    const head = `${name}\t${status}\t(nodetype: ${nodeTypeOf(cluster, name)})`;
    return [head, ...verboseLinks(cluster, name)].join("\n");
  });
  return { plain: blocks.join("\n") };
}

function verboseLinks(cluster: Cluster, name: string): readonly string[] {
  const status = linkStatusOf(cluster, name) ?? "unknown";
  return linksOf(cluster, name).map((link) => `\t${link}\t${status}`);
}

function tellNode({ cluster, operands: [name = ""] }: Question): Answer {
  if (nodeTypeOf(cluster, name) === undefined) return unknownNode;
  const plain = nodeStatusOf(cluster, name);
  if (plain === undefined) return silentNode;
  return { plain, sentence: `The cluster node ${name} is ${plain}` };
}

function tellType({ cluster, operands: [name = ""] }: Question): Answer {
  const plain = nodeTypeOf(cluster, name);
  return plain === undefined
    ? unknownNode
    : { plain, sentence: `The node ${name}'s type: ${plain}` };
}

function tellWeight({ cluster, operands: [name = ""] }: Question): Answer {
  if (nodeTypeOf(cluster, name) === undefined) return unknownNode;
  const sentence = `The weight of the cluster node ${name} is ${nodeWeight}`;
  return { plain: String(nodeWeight), sentence };
}

function listLinks({ cluster, operands: [name = ""], options }: Question): Answer {
  if (nodeTypeOf(cluster, name) === undefined) return unknownNode;
  const lines = options.has("v") ? verboseLinks(cluster, name) : linksOf(cluster, name);
  return { plain: lines.join("\n") };
}

function tellLink({ cluster, operands: [name = "", link = ""] }: Question): Answer {
  const isThere = nodeTypeOf(cluster, name) !== undefined && linksOf(cluster, name).includes(link);
  if (!isThere) return "Cannot get heartbeat link status";
  const plain = linkStatusOf(cluster, name);
  if (plain === undefined) return silentNode;
  return { plain, sentence: `The node ${name}'s heartbeat link ${link} is ${plain}` };
}

function tellClient({ cluster, operands: [name = "", client = ""] }: Question): Answer {
  const isThere = nodesOf(cluster, "normal").includes(name) && client !== "";
  if (!isThere) return `Cannot get heartbeat client ${client}'s status`;
  // Both nodes have the same ha.cf; one that is gone has no client.
  const isAlive = nodeStatusOf(cluster, name) !== "dead";
  const plain = isAlive && isClientOnline(cluster, client) ? "online" : "offline";
  return { plain, sentence: `The client ${client} on node ${name} is ${plain}` };
}

function tellResources({ cluster: { snapshot, own } }: Question): Answer {
  const plain = heldSet(snapshot.failover?.routers ?? [], own);
  return { plain, sentence: `This node is holding ${plain} resources.` };
}

function tellParameter({ cluster: { haCf }, operands: [name = ""] }: Question): Answer {
  const plain = name === "hbversion" ? program.version : haCf.parameters.get(name);
  if (plain === undefined) return `Cannot get parameter ${name}'s value`;
  return { plain, sentence: `Heartbeat parameter ${name}'s value: ${plain}` };
}

const answers: ReadonlyMap<string, (question: Question) => Answer> = new Map([
  ["listnodes", listNodes],
  ["nodestatus", tellNode],
  ["nodetype", tellType],
  ["nodeweight", tellWeight],
  ["listhblinks", listLinks],
  ["hblinkstatus", tellLink],
  ["clientstatus", tellClient],
  ["rscstatus", tellResources],
  ["parameter", tellParameter],
  ["hbparameter", tellParameter],
]);

type Asked = Pick<Question, "operands" | "options">;

interface World {
  readonly context: CommandContext;
  /** `uname -n` of this host. */
  readonly node: () => string;
}

async function ask({ context, node }: World): Promise<Cluster> {
  return await readCluster(await createControlClient(context).snapshot(), node());
}

/** The state of a director that does not run is an answer, too. */
async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING") return undefined;
    throw error;
  }
}

async function answerRunning(asked: Asked, world: World): Promise<ExitStatus> {
  const { stdout } = world.context;
  const cluster = await unlessAbsent(ask(world));
  stdout(`Heartbeat is ${cluster === undefined ? "stopped" : "running"} on this machine.\n`);
  if (cluster === undefined) return heartbeatFailed;
  if (asked.options.has("v")) {
    const listed = listNodes({ ...asked, cluster });
    stdout(`version:\t${program.version} (appliance)\n\n`);
    if (typeof listed !== "string") stdout(`${listed.plain}\n`);
  }
  return exitStatus.ok;
}

/** The own node is dead where nothing answers. */
async function answerDead({ operands }: Asked, { context, node }: World): Promise<ExitStatus> {
  if (operands[0] !== node()) return heartbeatFailed;
  context.stdout("dead\n");
  return heartbeatFailed;
}

async function answerWord(word: string, asked: Asked, world: World): Promise<ExitStatus> {
  const { context } = world;
  if (word === "hbstatus") return await answerRunning(asked, world);
  const tell = answers.get(word);
  if (tell === undefined) {
    const isHelp = asked.options.has("h") || word === "--help";
    (isHelp ? context.stdout : context.stderr)(usage);
    return isHelp ? exitStatus.ok : heartbeatFailed;
  }
  const isNode = word === "nodestatus";
  const cluster = isNode ? await unlessAbsent(ask(world)) : await ask(world);
  if (cluster === undefined) return await answerDead(asked, world);
  const answer = tell({ ...asked, cluster });
  if (typeof answer === "string") {
    context.stderr(`${answer}\n`);
    return heartbeatFailed;
  }
  const isSentence = asked.options.has("m") && answer.sentence !== undefined;
  const text = isSentence ? answer.sentence : answer.plain;
  context.stdout(text === "" ? "" : `${text}\n`);
  return exitStatus.ok;
}

/** The command over a host's name. */
export function createClStatus(node: () => string): Command {
  return {
    name: "cl_status",
    summary: "Answer as cl_status does",
    usage: "cl_status QUESTION [ARGUMENT…]",
    run(args, context) {
      const isOption = (one: string): boolean => /^-[a-z]$/.test(one);
      const options = new Set(args.filter(isOption).map((one) => one.slice(1)));
      const [word = "", ...operands] = args.filter((one) => !isOption(one));
      const world = { context, node };
      return answerAs("cl_status", context, () => answerWord(word, { operands, options }, world));
    },
  };
}
