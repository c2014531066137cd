/**
 * Real servers and fallback of one virtual service, with those of its groups.
 *
 * @module
 */

import type { CheckSpec, ListenAddress, RealServer, Server } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import { realServerDefaults, withDefaults } from "../defaults.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import type { Report } from "../report.ts";
import type { GroupTable, RealServerTable, ServerText, ServiceTable } from "../schema/index.ts";
import { isSound } from "../section.ts";
import type { ServerSection, Sourced, SourcedTable } from "../section.ts";
import { suggestNote } from "../suggest.ts";
import { createLevel, resolveCheck } from "./check.ts";
import type { CheckLevel, CheckTools } from "./check.ts";

/** Real servers of all services together; each costs the director a check and a table entry. */
export const realServersMax = 100_000;

/** What the services of one configuration share while they are resolved. */
export interface Shared extends CheckTools {
  readonly groups: ReadonlyMap<string, ServerSection<GroupTable>>;
  /** Also of groups whose shape is wrong: they are told of already. */
  readonly groupNames: ReadonlySet<string>;
  readonly groupsUsed: Set<string>;
  /** How many more real servers there may be. */
  serversLeft: number;
}

/** A service whose servers are wanted. */
export interface ServersOptions {
  readonly service: ServerSection<ServiceTable>;
  readonly listen: readonly ListenAddress[];
  /** The service's check, as a level for those of its servers, and resolved. */
  readonly level: CheckLevel;
  readonly check: CheckSpec;
  readonly shared: Shared;
}

/** `host:port` with brackets where they are needed: identity within a service. */
export function serverKey({ host, port }: Server): string {
  return formatEndpoint({ address: host, port });
}

/** Resolves the real servers, own ones first, then those of the groups in their order. */
export function resolveServers(options: ServersOptions): readonly RealServer[] {
  const { service, shared } = options;
  shared.serversLeft -= countServers(service, shared);
  if (shared.serversLeft < 0) {
    const expected = `at most ${realServersMax} real servers in all services together`;
    shared.report.problem(service.place, { expected, foundText: "more" });
    return [];
  }
  const entries = serverEntries(service, shared);
  const placeByKey = new Map<string, Place>();
  const servers: RealServer[] = [];
  for (const entry of entries) {
    const server = resolveServer(entry, options);
    if (server === undefined) continue;
    const key = serverKey(server);
    const other = placeByKey.get(key);
    if (other === undefined) {
      placeByKey.set(key, entry.place);
      servers.push(server);
    } else {
      shared.report.problem(below(entry.place, "address"), {
        expected: "each real server once in a service",
        found: key,
        note: "the other is at",
        other,
      });
    }
  }
  return servers;
}

/** Counted before any is copied: many services with large groups would fill the memory. */
function countServers({ value, servers }: ServerSection<ServiceTable>, { groups }: Shared): number {
  let count = servers.length;
  for (const name of value.real_server_groups ?? []) {
    count += groups.get(name)?.servers.length ?? 0;
  }
  return count;
}

function serverEntries(
  { value, place, servers }: ServerSection<ServiceTable>,
  { groups, groupNames, groupsUsed, report }: Shared,
): readonly SourcedTable<RealServerTable>[] {
  const entries = [...servers];
  for (const [index, name] of (value.real_server_groups ?? []).entries()) {
    groupsUsed.add(name);
    const group = groups.get(name);
    if (group !== undefined) {
      for (const server of group.servers) entries.push(server);
    } else if (!groupNames.has(name)) {
      report.problem(below(place, "real_server_groups", index), {
        expected: "the name of a [[real_server_group]]",
        found: name,
        note: suggestNote(name, groupNames),
      });
    }
  }
  return entries;
}

function resolveServer(
  server: SourcedTable<RealServerTable>,
  options: ServersOptions,
): RealServer | undefined {
  const { value, place } = server;
  const { level, shared, check } = options;
  if (isSound(server, "upper_threshold", "lower_threshold")) {
    checkThresholds(server, shared.report);
  }
  const address = resolveAddress(value.address, below(place, "address"), options);
  let ownCheck = check;
  if (value.check !== undefined) {
    const source = { value: value.check, place: below(place, "check") };
    ownCheck = resolveCheck(createLevel(source, level, shared.report), shared);
  }
  if (address === undefined) return undefined;
  checkPort(server, { port: address.port, check: ownCheck }, options);
  return {
    ...address,
    ...withDefaults(realServerDefaults, {
      weight: value.weight,
      upperThreshold: value.upper_threshold,
      lowerThreshold: value.lower_threshold,
    }),
    check: ownCheck,
  };
}

/** A server without a port of its own needs one to be checked at. */
function checkPort(
  { place, value }: SourcedTable<RealServerTable>,
  { port, check }: Pick<RealServer, "port" | "check">,
  { shared, service }: ServersOptions,
): void {
  const isAsked = ["connect", "negotiate", "vip"].includes(check.type);
  const isNone = check.service === "none";
  if (port !== 0 || check.port !== undefined || !isAsked || isNone) return;
  // Without an address to listen at something else is wrong already.
  if (service.value.listen === undefined && service.value.fwmark === undefined) return;
  const expected = 'the key "port" in check, or a port, as the service has none';
  shared.report.problem(below(place, "address"), { expected, found: value.address.host });
}

function checkThresholds({ value, place }: Sourced<RealServerTable>, report: Report): void {
  const { upper_threshold: upper = 0, lower_threshold: lower = 0 } = value;
  if (lower === 0 || (upper > 0 && lower <= upper)) return;
  report.problem(below(place, "lower_threshold"), {
    expected:
      upper === 0
        ? "an upper_threshold beside lower_threshold"
        : `at most upper_threshold ${upper}`,
    foundText: upper === 0 ? "none" : String(lower),
  });
}

/**
 * Address and port of a real server or fallback: the port of the service if none is written.
 *
 * @returns Undefined after a problem was told.
 */
export function resolveAddress(
  { host, port }: ServerText,
  place: Place,
  { service, listen, shared }: Pick<ServersOptions, "service" | "listen" | "shared">,
): Server | undefined {
  const servicePort = singlePort(listen) ?? anyPort(listen);
  const { report } = shared;
  if (port === undefined && servicePort === undefined) {
    const expected = "a port, as the service has not exactly one";
    report.problem(place, { expected, found: host });
    return undefined;
  }
  const server = { host, port: port ?? servicePort! };
  const { forwarding = "proxy" } = service.value;
  const key = serverKey(server);
  if (forwarding === "gate" || forwarding === "ipip") {
    if (servicePort !== undefined && servicePort !== 0 && server.port !== servicePort) {
      const expected = `port ${servicePort} of the service, as ${forwarding} cannot change it`;
      report.problem(place, { expected, found: key });
    }
  } else if (listen.some((one) => isWithin(server, one))) {
    const expected = "another address than the service listens on, or it would call itself";
    report.problem(place, { expected, found: key });
  }
  return server;
}

function isWithin(
  { host, port }: Server,
  { address, portFirst, portLast }: ListenAddress,
): boolean {
  return host === address && port >= portFirst && port <= portLast;
}

/** 0 if the service takes packets to any port: its servers then keep that of each packet. */
function anyPort(listen: readonly ListenAddress[]): 0 | undefined {
  return listen.every(({ portFirst }) => portFirst === 0) ? 0 : undefined;
}

/** The port of a service that has exactly one; undefined if it has more, or none. */
function singlePort(listen: readonly ListenAddress[]): number | undefined {
  const port = listen[0]?.portFirst;
  if (port === undefined || port === 0) return undefined;
  const isSame = listen.every(({ portFirst, portLast }) => portFirst === port && portLast === port);
  return isSame ? port : undefined;
}
