/**
 * `appliance doctor`: what is wrong with this host and its LAN, and what mends it.
 *
 * @module
 */

import { availableParallelism } from "node:os";

import { ApplianceError } from "../errors/index.ts";
import type { ClientPathAnswers, DirectorWish, HostAccess, HostPlaces } from "../host/index.ts";
import type { Config } from "../model/index.ts";
import { canonicalAddress } from "../net/address.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { countFindings, formatDoctor } from "./doctor-format.ts";
import type { DoctorReport } from "./doctor-format.ts";
import { configOption, filesOf } from "./files.ts";
import { directorWish, expandLists, programCommand } from "./host-options.ts";
import { vipsOf } from "./setup.ts";
import { createPalette } from "./terminal.ts";

const spec = {
  options: [
    { name: "vip", takesValue: true },
    { name: "method", takesValue: true },
    configOption,
    { name: "json" },
  ],
} as const;

type Role = DoctorReport["role"];

interface Examination {
  readonly given: ParsedArguments;
  readonly context: CommandContext;
  readonly host: HostAccess;
  readonly places: HostPlaces;
  /** Undefined: there is none, and none was asked for. */
  readonly config: Config | undefined;
}

async function readConfig(given: ParsedArguments): Promise<Config | undefined> {
  const { loadConfig } = await import("../config/index.ts");
  try {
    return (await loadConfig(filesOf(given), { cores: availableParallelism() })).config;
  } catch (error) {
    const isMissing = error instanceof ApplianceError && error.code === "CONFIG_FILE_MISSING";
    if (isMissing && !given.has("config")) return undefined;
    throw error;
  }
}

/** Ports of the services, a range by its first one: the others are served alike. */
function portsOf(config: Config | undefined) {
  return (config?.virtualServices ?? []).flatMap(({ protocol, listen }) =>
    listen.map(({ address, portFirst }) => ({ vip: address, protocol, port: portFirst })),
  );
}

async function realServer(examination: Examination): Promise<DoctorReport> {
  const { given, host, places, config, context } = examination;
  const { examineRealServer, readRecord } = await import("../host/index.ts");
  const record = readRecord(host, places.realServerRecord);
  const asked = vipsOf(given);
  const vips = asked.length > 0 ? asked : record.vips;
  if (vips.length === 0) {
    throw new UsageError("No setup was made here: which addresses? Expected --vip ADDRESS");
  }
  const state = context.environment["APPLIANCE_STATE_DIR"] ?? "";
  const wish = {
    vips,
    method: given.value("method") === "ipip" ? ("ipip" as const) : record.method,
    interfaces: undefined,
    persist: true,
    program: programCommand(),
    environment: state === "" ? {} : { APPLIANCE_STATE_DIR: state },
  };
  return {
    role: "realserver",
    outcomes: examineRealServer(host, { wish, ports: portsOf(config) }),
  };
}

/** Asks the real servers of services that the kernel carries as clients would. */
async function askPaths(
  config: Config,
  host: HostAccess,
  { services }: DirectorWish,
): Promise<ClientPathAnswers> {
  const { carriedHere } = await import("../host/index.ts");
  const { askClientPaths } = await import("../daemon/index.ts");
  const carried = carriedHere(host.moduleState("ip_vs") !== "missing", services);
  const names = carried.flatMap(({ name, engine }) => (engine === "proxy" ? [] : [name]));
  return askClientPaths(config, { services: new Set(names) });
}

async function director(examination: Examination): Promise<DoctorReport> {
  const { given, host, config } = examination;
  const { examineDirector } = await import("../host/index.ts");
  if (config === undefined) throw new UsageError("No configuration here: expected --config FILE");
  const services = config.virtualServices;
  const listens = services.flatMap(({ listen }) => listen.map(({ address }) => address));
  // An address that stands for all is nobody's virtual address, and loopback is on no LAN.
  const vips = [...new Set([...listens, ...vipsOf(given)])].filter(
    (address) => !/^(?:0\.0\.0\.0|::1?|127\..*)$/.test(address),
  );
  const realServers = services.flatMap((service) =>
    service.realServers.flatMap(({ host: name }) => canonicalAddress(name) ?? []),
  );
  const wish = await directorWish(config);
  const outcomes = await examineDirector(host, {
    wish,
    clientPaths: await askPaths(config, host, wish),
    vips,
    realServers: [...new Set(realServers)],
  });
  return { role: "director", outcomes };
}

/** Without a role: whatever this host seems to be. */
async function rolesOf(role: string | undefined, examination: Examination): Promise<Role[]> {
  if (role === "realserver" || role === "director") return [role];
  if (role !== undefined) throw new UsageError(`Expected realserver or director, got ${role}`);
  const { readRecord } = await import("../host/index.ts");
  const { host, places, config, given } = examination;
  const isPrepared = readRecord(host, places.realServerRecord).vips.length > 0;
  const isDirector = config !== undefined;
  const isRealServer = isPrepared || (given.has("vip") && !isDirector);
  const roles = [isDirector && "director", isRealServer && "realserver"] as const;
  const found = roles.filter((one) => one !== false);
  if (found.length > 0) return found;
  throw new UsageError("Neither a configuration nor a prepared real server is here: say which");
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const [first, ...rest] = args;
  const role = first === undefined || first.startsWith("-") ? undefined : first;
  const given = parseArguments(expandLists(role === undefined ? args : rest, ["vip"]), spec);
  const { createSystemAccess, placesOf } = await import("../host/index.ts");
  const places = placesOf(context.environment);
  const host = createSystemAccess(places);
  // A real server needs none, so that a faulty one is no hindrance.
  const isNeeded = role !== "realserver" || given.has("config");
  const config = isNeeded ? await readConfig(given) : undefined;
  const examination = { given, context, host, places, config };
  const reports: DoctorReport[] = [];
  for (const one of await rolesOf(role, examination)) {
    reports.push(await (one === "director" ? director(examination) : realServer(examination)));
  }
  const findings = countFindings(reports);
  const text = given.has("json")
    ? `${JSON.stringify({ findings, reports })}\n`
    : formatDoctor(reports, createPalette(context.color));
  context.stdout(text);
  return findings === 0 ? exitStatus.ok : exitStatus.findings;
}

/** See the module's head. */
export const doctor: Command = {
  name: "doctor",
  summary: "Check this host and its network, tell what mends it",
  usage: "doctor [realserver|director] [--vip ADDRESS…] [--config FILE…] [--json]",
  details: `Without a role: what this host has a configuration for, or was prepared for.
  --vip ADDRESS…     virtual addresses; without it those that setup knows, or the services'
  --method METHOD    realserver: gate or ipip; without it as set up
  -c, --config FILE  configuration; without it /etc/appliance/appliance.toml, if it is there
  --json             in one line
It changes nothing. For a director it asks the LAN by ARP who has each virtual address, and
measures for two seconds how late this host wakes up. Each real server of gate, ipip and masq is
asked once on the way of clients. What it may not look at is "unknown".
Exit status 0: nothing is wrong. 1: there is something to mend.`,
  run,
};
