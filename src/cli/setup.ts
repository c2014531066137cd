/**
 * `appliance setup`: prepares this host as real server or director, and takes it back.
 *
 * @module
 */

import { availableParallelism } from "node:os";

import type { HostAccess, SetupJob } from "../host/index.ts";
import { canonicalAddress } from "../net/address.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { configOption, filesOf } from "./files.ts";
import { directorWish, expandLists, programCommand } from "./host-options.ts";

const switches = [{ name: "dry-run" }, { name: "undo" }, { name: "json" }] as const;

const realServerSpec = {
  options: [
    { name: "vip", takesValue: true },
    { name: "method", takesValue: true },
    { name: "interface", takesValue: true },
    { name: "no-persist" },
    ...switches,
  ],
} as const;

const directorSpec = { options: [configOption, ...switches] } as const;

/** More virtual addresses than anybody types. */
const vipsMax = 1000;

/** Virtual addresses of a command line, canonical, each once. */
export function vipsOf(given: ParsedArguments): readonly string[] {
  const vips = given.values("vip").map((text) => {
    const address = canonicalAddress(text);
    if (address === undefined) throw new UsageError(`--vip expects an address, got ${text}`);
    return address;
  });
  if (vips.length > vipsMax)
    throw new UsageError(`At most ${vipsMax} addresses, got ${vips.length}`);
  return [...new Set(vips)];
}

function methodOf(text: string | undefined): "gate" | "ipip" | undefined {
  if (text === undefined || text === "gate" || text === "ipip") return text;
  throw new UsageError(`--method expects gate or ipip, got ${text}`);
}

interface Task {
  readonly given: ParsedArguments;
  readonly context: CommandContext;
  readonly host: HostAccess;
}

function print(task: Task, value: object, text: string): void {
  const isJson = task.given.has("json");
  task.context.stdout(isJson ? `${JSON.stringify(value)}\n` : text);
}

async function undo(task: Task, recordPath: string): Promise<ExitStatus> {
  const { planUndo, undoSetup } = await import("../host/index.ts");
  const { formatUndone, formatUndoPlan } = await import("./setup-format.ts");
  if (task.given.has("dry-run")) {
    const steps = planUndo(task.host, recordPath);
    print(task, { dryRun: true, undo: steps }, formatUndoPlan(steps));
    return exitStatus.ok;
  }
  const result = await undoSetup(task.host, recordPath);
  print(task, { dryRun: false, ...result }, formatUndone(result));
  return result.left.length === 0 ? exitStatus.ok : exitStatus.findings;
}

async function apply(task: Task, job: SetupJob): Promise<ExitStatus> {
  const { applySetup, planSetup } = await import("../host/index.ts");
  const { formatApplied, formatPlan } = await import("./setup-format.ts");
  const isDry = task.given.has("dry-run");
  const result = isDry ? planSetup(job) : await applySetup(job);
  print(task, { dryRun: isDry, ...result }, isDry ? formatPlan(result) : formatApplied(result));
  return exitStatus.ok;
}

async function realServer(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(expandLists(args, ["vip", "interface"]), realServerSpec);
  const asked = vipsOf(given);
  const askedMethod = methodOf(given.value("method"));
  const { createSystemAccess, placesOf, planRealServer, readRecord } =
    await import("../host/index.ts");
  const places = placesOf(context.environment);
  const host = createSystemAccess(places);
  const task = { given, context, host };
  const recordPath = places.realServerRecord;
  const record = readRecord(host, recordPath);
  if (given.has("undo")) {
    const others = record.vips.filter((vip) => !asked.includes(vip));
    if (asked.length === 0 || others.length === 0) return undo(task, recordPath);
    throw new UsageError(`--undo takes everything back, also ${others.join(", ")}: omit --vip`);
  }
  if (asked.length === 0) throw new UsageError("Expected --vip ADDRESS");
  const vips = [...new Set([...record.vips, ...asked])];
  const method = askedMethod ?? record.method;
  const interfaces = given.has("interface") ? given.values("interface") : undefined;
  const state = context.environment["APPLIANCE_STATE_DIR"] ?? "";
  const wish = {
    vips,
    method,
    interfaces,
    persist: !given.has("no-persist"),
    program: programCommand(),
    environment: state === "" ? {} : { APPLIANCE_STATE_DIR: state },
  };
  const plan: SetupJob["plan"] = (reader) => planRealServer(reader, wish);
  return apply(task, { host, recordPath, vips, method, plan });
}

async function director(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, directorSpec);
  const { createSystemAccess, placesOf, planDirector } = await import("../host/index.ts");
  const places = placesOf(context.environment);
  const host = createSystemAccess(places);
  const task = { given, context, host };
  const recordPath = places.directorRecord;
  if (given.has("undo")) return undo(task, recordPath);
  const { loadConfig } = await import("../config/index.ts");
  const { config } = await loadConfig(filesOf(given), { cores: availableParallelism() });
  const wish = await directorWish(config);
  const plan: SetupJob["plan"] = (reader) => planDirector(reader, wish);
  return apply(task, { host, recordPath, vips: [], method: "gate", plan });
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const [role, ...rest] = args;
  if (role === "realserver") return realServer(rest, context);
  if (role === "director") return director(rest, context);
  throw new UsageError(`Expected realserver or director, got ${role ?? "nothing"}`);
}

/** See the module's head. */
export const setup: Command = {
  name: "setup",
  summary: "Prepare this host as real server or director, or take that back",
  usage: "setup realserver --vip ADDRESS… [OPTION…] | setup director [--config FILE…] [OPTION…]",
  details: `setup realserver: the virtual addresses on lo, and silence about them on the LAN.
  --vip ADDRESS…     virtual addresses, IPv4 and IPv6; added to those of earlier runs
  --method METHOD    gate (direct routing, the default) or ipip (tunnel)
  --interface IF…    be silent on these interfaces; without it on all that use ARP
  --no-persist       only until the next boot
setup director: what the services of the configuration need of the kernel.
  -c, --config FILE  configuration; without it /etc/appliance/appliance.toml
Both:
  --dry-run          print what would change, and change nothing
  --undo             restore what the first run found
  --json             in one line
It changes what is not as it should be, and nothing else; it can be repeated. If something fails,
what was done is taken back.
Exit status 1: --undo left something, and says what. 65: refused. 77: no permission.`,
  run,
};
