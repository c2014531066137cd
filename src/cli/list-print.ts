/**
 * A listing from the question to its text or JSON, for `appliance list` and for `ipvsadm`.
 *
 * @module
 */

import type { Endpoint } from "../net/address.ts";
import type { ConnectionSnapshot, Snapshot } from "../status/index.ts";
import { UsageError } from "./arguments.ts";
import { connectionsMax } from "./client.ts";
import type { CommandContext } from "./command.ts";
import {
  formatConnections,
  formatDaemons,
  formatRules,
  formatServices,
  formatTimeouts,
} from "./list-format.ts";
import type { ListMode, NameEndpoint } from "./list-format.ts";
import { listServices, selectService, servedServices, sortServices } from "./list-model.ts";
import type { ListSelection, ListService } from "./list-model.ts";
import { numericNames, resolveEndpoint, resolveNames } from "./list-name.ts";
import type { NameSource } from "./list-name.ts";
import type { ListRequest, ListTarget } from "./list-request.ts";

/** The part of a snapshot that a listing shows. */
export type ListTable = Pick<Snapshot, "services" | "timeouts" | "ipvs">;

/** Where a listing comes from; throws what {@link ControlClient} throws. */
export interface ListSource {
  snapshot(): Promise<ListTable>;
  connections(): Promise<readonly ConnectionSnapshot[]>;
}

/** One listing. */
export interface Listing {
  readonly request: ListRequest;
  readonly source: ListSource;
  readonly context: CommandContext;
  readonly names: NameSource;
  /** As JSON, whose form is that of the model. */
  readonly isJson: boolean;
  /** What notes on stderr start with. */
  readonly program: string;
}

function printJson({ context }: Listing, value: unknown): void {
  context.stdout(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Names for `endpoints`, unless numbers are asked for. */
function namesFor(
  { request, names }: Listing,
  endpoints: readonly Endpoint[],
): Promise<NameEndpoint> {
  return request.isNumeric ? Promise.resolve(numericNames) : resolveNames(endpoints, names);
}

/** A service by number. @throws {UsageError} `CLI_USAGE` if it is no address, or not known. */
async function findSelection(target: ListTarget, names: NameSource): Promise<ListSelection> {
  if (target.protocol === "FWM") return target;
  const { protocol, text } = target;
  const service = protocol === "TCP" ? "tcp" : "udp";
  const endpoint = await resolveEndpoint(text, service, names);
  if (endpoint === undefined) {
    throw new UsageError(`Expected an address with a port, got ${text}`);
  }
  return { protocol, endpoint };
}

async function printConnections(listing: Listing): Promise<void> {
  const { source, context } = listing;
  const connections = await source.connections();
  if (listing.isJson) return printJson(listing, { connections });
  const endpoints = connections.flatMap(({ client, virtual, server }) => [client, virtual, server]);
  context.stdout(formatConnections(connections, await namesFor(listing, endpoints)));
  if (connections.length >= connectionsMax) {
    context.stderr(`${listing.program}: only the first ${connectionsMax} connections are shown\n`);
  }
}

function printDaemons(listing: Listing, { ipvs }: ListTable): void {
  const daemons = ipvs?.daemons ?? [];
  if (listing.isJson) return printJson(listing, { daemons });
  listing.context.stdout(formatDaemons(daemons));
}

/** Those of IPVS if it carries something, else those of the proxy. */
function printTimeouts(listing: Listing, table: ListTable): void {
  const timeouts = table.ipvs?.timeouts ?? table.timeouts;
  if (listing.isJson) return printJson(listing, { timeouts: timeouts ?? null });
  const { tcpMs = 0, tcpFinMs = 0, udpMs = 0 } = timeouts ?? {};
  const [tcp, tcpFin, udp] = [tcpMs, tcpFinMs, udpMs].map((ms) => Math.round(ms / 1000));
  listing.context.stdout(formatTimeouts(tcp!, tcpFin!, udp!));
}

/** Services to show: chosen, in order. */
function chooseServices(
  { isSorted }: ListRequest,
  selection: ListSelection | undefined,
  table: ListTable,
): readonly ListService[] {
  const all = listServices({ services: servedServices(table.services) });
  const chosen = selection === undefined ? all : selectService(all, selection);
  if (selection !== undefined && chosen.length === 0) {
    throw new UsageError("Expected a virtual service of the director after -t, -u or -f");
  }
  return isSorted ? sortServices(chosen) : chosen;
}

async function printTable(
  listing: Listing,
  view: ListMode | "save",
  {
    services,
    ipvs,
  }: { readonly services: readonly ListService[]; readonly ipvs: ListTable["ipvs"] },
): Promise<void> {
  const { request, context } = listing;
  if (listing.isJson) return printJson(listing, { services });
  const endpoints = services.flatMap(({ endpoint, servers }) => [
    endpoint,
    ...servers.map((server) => server.endpoint),
  ]);
  const nameOf = await namesFor(listing, endpoints);
  if (view === "save") return context.stdout(formatRules(services, nameOf));
  const { isExact, target } = request;
  const hasHeader = target === undefined;
  context.stdout(formatServices(services, { mode: view, nameOf, isExact, hasHeader, ipvs }));
}

/**
 * Prints what is asked for.
 *
 * @throws {UsageError} `CLI_USAGE` if the service asked for is no address or not there; and
 *   whatever the source throws.
 */
export async function printList(listing: Listing): Promise<void> {
  const { request, source, names } = listing;
  const { view, target } = request;
  // Wrong values are told before the director is asked.
  const selection = target === undefined ? undefined : await findSelection(target, names);
  if (view === "connection") return printConnections(listing);
  const table = await source.snapshot();
  if (view === "timeout") printTimeouts(listing, table);
  else if (view === "daemon") printDaemons(listing, table);
  else {
    const services = chooseServices(request, selection, table);
    await printTable(listing, view, { services, ipvs: table.ipvs });
  }
}
