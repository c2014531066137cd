/**
 * `appliance list`: the table of services and real servers in the form of `ipvsadm -L`.
 *
 * @module
 */

import type { Endpoint } from "../net/address.ts";
import type { Snapshot } from "../status/index.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { connectionsMax, createControlClient } from "./client.ts";
import type { ControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { formatConnections, formatRules, formatServices, formatTimeouts } from "./list-format.ts";
import type { ListMode, NameEndpoint } from "./list-format.ts";
import { listServices, parseSelection, selectService, sortServices } from "./list-model.ts";
import type { ListSelection, ListService } from "./list-model.ts";
import { numericNames, resolveNames, systemNames } from "./list-name.ts";

const spec = {
  options: [
    { name: "numeric", short: "n" },
    { name: "stats" },
    { name: "rate" },
    { name: "thresholds" },
    { name: "persistent-conn" },
    { name: "connections", short: "c" },
    { name: "connection" },
    { name: "timeout" },
    { name: "daemon" },
    { name: "exact" },
    { name: "save", short: "S" },
    { name: "sort" },
    { name: "nosort" },
    { name: "tcp-service", short: "t", takesValue: true },
    { name: "udp-service", short: "u", takesValue: true },
    { name: "json" },
  ],
} as const;

/** What there is to list; only one at a time. */
const views = [
  "stats",
  "rate",
  "thresholds",
  "persistent-conn",
  "connections",
  "timeout",
  "daemon",
  "save",
] as const;
type View = ListMode | (typeof views)[number];

function viewOf(given: ParsedArguments): View {
  const asked = views.filter(
    (view) => given.has(view) || (view === "connections" && given.has("connection")),
  );
  const [view, other] = asked;
  if (other !== undefined) throw new UsageError(`Expected one of --${view} and --${other}`);
  return view ?? "standard";
}

function selectionOf(given: ParsedArguments): ListSelection | undefined {
  const [tcp, udp] = [given.value("tcp-service"), given.value("udp-service")];
  if (tcp !== undefined && udp !== undefined) throw new UsageError("Expected one of -t and -u");
  const text = tcp ?? udp;
  if (text === undefined) return undefined;
  const selection = parseSelection(tcp === undefined ? "UDP" : "TCP", text);
  if (selection === undefined) {
    throw new UsageError(`Expected an address with a port, got ${text}`);
  }
  return selection;
}

/** One listing. */
interface Listing {
  readonly given: ParsedArguments;
  readonly client: ControlClient;
  readonly context: CommandContext;
}

function printJson({ context }: Listing, value: unknown): void {
  context.stdout(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Names for `endpoints`, unless numbers are asked for. */
function namesFor({ given }: Listing, endpoints: readonly Endpoint[]): Promise<NameEndpoint> {
  if (given.has("numeric")) return Promise.resolve(numericNames);
  return resolveNames(endpoints, systemNames);
}

async function listConnections(listing: Listing): Promise<void> {
  const { client, context, given } = listing;
  const connections = await client.connections();
  if (given.has("json")) return printJson(listing, { connections });
  const endpoints = connections.flatMap(({ client: peer, virtual, server }) => [
    peer,
    virtual,
    server,
  ]);
  context.stdout(formatConnections(connections, await namesFor(listing, endpoints)));
  if (connections.length === connectionsMax) {
    context.stderr(`appliance list: only the first ${connectionsMax} connections are shown\n`);
  }
}

function listTimeouts(listing: Listing, { timeouts }: Snapshot): void {
  if (listing.given.has("json")) return printJson(listing, { timeouts: timeouts ?? null });
  const { tcpMs = 0, tcpFinMs = 0, udpMs = 0 } = timeouts ?? {};
  const [tcp, tcpFin, udp] = [tcpMs, tcpFinMs, udpMs].map((ms) => Math.round(ms / 1000));
  listing.context.stdout(formatTimeouts(tcp!, tcpFin!, udp!));
}

/** Services to show: chosen, in order. */
function servicesOf({ given }: Listing, snapshot: Snapshot): readonly ListService[] {
  const selection = selectionOf(given);
  const all = listServices(snapshot);
  const chosen = selection === undefined ? all : selectService(all, selection);
  if (selection !== undefined && chosen.length === 0) {
    throw new UsageError("Expected a virtual service of the director after -t or -u");
  }
  return given.has("nosort") ? chosen : sortServices(chosen);
}

async function listTable(listing: Listing, view: ListMode | "save", snapshot: Snapshot) {
  const { given, context } = listing;
  const services = servicesOf(listing, snapshot);
  if (given.has("json")) return printJson(listing, { services });
  const endpoints = services.flatMap(({ endpoint, servers }) => [
    endpoint,
    ...servers.map((server) => server.endpoint),
  ]);
  const nameOf = await namesFor(listing, endpoints);
  if (view === "save") return context.stdout(formatRules(services, nameOf));
  const isExact = given.has("exact");
  const hasHeader = selectionOf(given) === undefined;
  context.stdout(formatServices(services, { mode: view, nameOf, isExact, hasHeader }));
}

async function run(args: readonly string[], context: CommandContext): Promise<ExitStatus> {
  const given = parseArguments(args, spec);
  const view = viewOf(given);
  // Wrong values are told before the director is asked.
  selectionOf(given);
  const listing = { given, context, client: createControlClient(context) };
  if (view === "connections") await listConnections(listing);
  else {
    const snapshot = await listing.client.snapshot();
    if (view === "timeout") listTimeouts(listing, snapshot);
    // The proxy has no sync daemon, for which ipvsadm prints nothing.
    else if (view !== "daemon") await listTable(listing, view, snapshot);
  }
  return exitStatus.ok;
}

/** See the module's head. */
export const list: Command = {
  name: "list",
  summary: "List services and real servers in the form of ipvsadm -L",
  usage:
    "list [-n] [--stats|--rate|--thresholds|--persistent-conn|-c|--timeout|--daemon] " +
    "[-t|-u ADDRESS:PORT] [--exact] [--nosort] [-S] [--json]",
  details: `  -n, --numeric        addresses and ports as numbers
  --stats, --rate      counters; connections, packets and bytes per second
  --thresholds         upper and lower thresholds
  --persistent-conn    entries of persistence
  -c, --connections    connections, at most ${connectionsMax}
  --timeout, --daemon  timeouts; sync daemons (the proxy has none)
  -t, -u ADDRESS:PORT  this service only
  --exact              numbers in full, however large
  --nosort             in the order of the configuration
  -S, --save           the rules of this table, as ipvsadm -R reads them
A real server is listed while it is healthy, or with weight 0 in a quiescent service.`,
  run,
};
