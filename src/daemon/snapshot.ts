/**
 * Everything at one moment, for `GET /status`, and the part of it that `GET /metrics` needs.
 *
 * Pure: puts together what the parts of the director know.
 *
 * @module
 */

import type { HealthState } from "../check/index.ts";
import type { ServerCounters, ServiceCounters } from "../datapath/index.ts";
import type { ListenAddress } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type {
  FallbackSnapshot,
  Figures,
  ServerFigures,
  ServerSnapshot,
  ServiceFigures,
  ServiceSnapshot,
  Snapshot,
  TrafficSnapshot,
} from "../status/index.ts";
import { isListed } from "./assessment.ts";
import type { ServerAssessment, ServiceAssessment } from "./assessment.ts";
import type { EngineDecision } from "./choose-engine.ts";
import { findNear } from "./find-near.ts";
import type { RateTable, ServiceRates } from "./rate-table.ts";
import { serverId } from "./server-id.ts";

/** What the parts know of the figures. */
export interface FiguresInput extends Pick<
  Snapshot,
  "program" | "notReady" | "configuration" | "proxy" | "failover" | "droppedPackets"
> {
  readonly startedAtMs: number;
  readonly assessments: Iterable<ServiceAssessment>;
  readonly counters: readonly ServiceCounters[];
  /** The proxy, as shown. */
  readonly engine: string;
  /** Which engine carries each service, by its name; where it is missing, the proxy. */
  readonly decisions?: ReadonlyMap<string, EngineDecision> | undefined;
  /** What could not be done for a service, by its name. */
  readonly problems: ReadonlyMap<string, string>;
}

/** What the parts know. */
export interface SnapshotInput
  extends FiguresInput, Pick<Snapshot, "pid" | "timeouts" | "ipvs" | "events"> {
  readonly nowMs: number;
  readonly rates: Pick<RateTable, "service">;
  /** By {@link serverId}; undefined if the server is not checked. */
  healthOf(id: string): HealthState | undefined;
  /** True for an address of this host. */
  isLocal(address: string): boolean;
}

/** RFC 3339 UTC of a wall-clock time in ms. */
function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function timeOrNull(wallMs: number | undefined): string | null {
  return wallMs === undefined ? null : timeText(wallMs);
}

/** `address:port` or `address:first-last`. */
function listenText({ address, portFirst, portLast }: ListenAddress): string {
  const first = formatEndpoint({ address, port: portFirst });
  return portFirst === portLast ? first : `${first}-${portLast}`;
}

/** Counters of a server that the engine does not have (yet). */
const noServerCounters: Omit<ServerCounters, "key" | "role"> = {
  active: 0,
  inactive: 0,
  connections: 0,
  connectFailures: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  persistentEntries: 0,
};

const noServiceCounters: Omit<ServiceCounters, "name" | "closed"> = {
  active: 0,
  connections: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  servers: [],
};

const noneClosed: Readonly<Record<string, number>> = {};

/** One service and what the engine counted of it. */
interface ServiceContext {
  readonly assessment: ServiceAssessment;
  /** Undefined: the engine does not have it (yet). */
  readonly counters: ServiceCounters | undefined;
  readonly input: FiguresInput;
}

/** Services in order, each with its counters. */
function contextsOf(input: FiguresInput): readonly ServiceContext[] {
  const countersByName = new Map(input.counters.map((service) => [service.name, service]));
  return Array.from(input.assessments, (assessment) => ({
    assessment,
    counters: countersByName.get(assessment.service.name),
    input,
  }));
}

type Role = ServerCounters["role"];

/** A server's counters or rates; `index` is its place among the real servers. */
function findServer<Entry extends { readonly role: Role; readonly key: string }>(
  entries: readonly Entry[],
  role: Role,
  { key, index }: { readonly key: string | undefined; readonly index: number },
): Entry | undefined {
  if (key === undefined) return undefined;
  return findNear(entries, index, (entry) => entry.role === role && entry.key === key);
}

function trafficOf(counters: Omit<ServerCounters, "key" | "role">): TrafficSnapshot {
  return {
    activeConnections: counters.active,
    inactiveConnections: counters.inactive,
    connections: counters.connections,
    connectFailures: counters.connectFailures,
    bytesIn: counters.bytesIn,
    bytesOut: counters.bytesOut,
    packetsIn: counters.packetsIn,
    packetsOut: counters.packetsOut,
    persistentEntries: counters.persistentEntries,
  };
}

/** `address:port`; undefined while its name is not resolved. */
function endpointOf({
  address,
  port,
}: {
  readonly address: string | undefined;
  readonly port: number;
}): string | undefined {
  return address === undefined ? undefined : formatEndpoint({ address, port });
}

function serverFigures(
  { counters }: ServiceContext,
  { key, server, address, health, effectiveWeight }: ServerAssessment,
  index: number,
): ServerFigures {
  const { host, port } = server;
  const endpoint = endpointOf({ address, port });
  const counted = findServer(counters?.servers ?? [], "real", { key: endpoint, index });
  return {
    ...trafficOf(counted ?? noServerCounters),
    key: endpoint ?? key,
    host,
    port,
    health,
    effectiveWeight,
  };
}

/** Engine of a service as shown; `none` while no engine can carry it. */
function engineName({ engine, decisions }: FiguresInput, service: string): string {
  const decision = decisions?.get(service);
  if (decision === undefined) return engine;
  if ("refusal" in decision) return "none";
  return decision.engine === "proxy" ? engine : decision.engine;
}

/** `Server` is how much is told of a server. */
function serviceFigures<Server>(
  context: ServiceContext,
  realServers: readonly Server[],
): Omit<ServiceFigures, "realServers"> & { readonly realServers: readonly Server[] } {
  const { assessment, counters, input } = context;
  const { service, state, fallback } = assessment;
  const total = counters ?? noServiceCounters;
  return {
    name: service.name,
    engine: engineName(input, service.name),
    // What cannot be reached does not serve, whatever its real servers do.
    state: input.problems.has(service.name) ? "down" : state,
    activeConnections: total.active,
    connections: total.connections,
    bytesIn: total.bytesIn,
    bytesOut: total.bytesOut,
    packetsIn: total.packetsIn,
    packetsOut: total.packetsOut,
    closed: counters?.closed ?? noneClosed,
    fallback: fallback === undefined ? null : { active: fallback.isActive },
    realServers,
  };
}

function droppedOf({ droppedPackets = [] }: FiguresInput): Pick<Snapshot, "droppedPackets"> {
  return droppedPackets.length > 0 ? { droppedPackets } : {};
}

/** Puts the figures together. */
export function assembleFigures(input: FiguresInput): Figures {
  return {
    program: input.program,
    startedAt: timeText(input.startedAtMs),
    ready: input.notReady.length === 0,
    configuration: input.configuration,
    proxy: input.proxy,
    ...droppedOf(input),
    ...(input.failover !== undefined && { failover: input.failover }),
    services: contextsOf(input).map((context) => {
      const { servers } = context.assessment;
      return serviceFigures(
        context,
        servers.map((server, index) => serverFigures(context, server, index)),
      );
    }),
  };
}

/** A service with all that a snapshot tells of it. */
interface FullContext extends ServiceContext {
  readonly input: SnapshotInput;
  readonly rates: ServiceRates | undefined;
}

function checkSnapshot(
  { server }: ServerAssessment,
  health: HealthState | undefined,
): ServerSnapshot["check"] {
  const { type, service } = server.check;
  const last = health?.lastResult;
  return {
    type: service ?? type,
    at: timeOrNull(health?.lastAtMs),
    tookMs: last?.tookMs ?? null,
    ok: last?.up ?? null,
    detail: last === undefined || last.up ? "" : last.detail,
    failures: health?.failures ?? 0,
  };
}

/** What stands beside the state of a server: where it is, and how much it does. */
function placeFacts(
  { input, rates, counters }: FullContext,
  address: string | undefined,
  entry: { readonly role: Role; readonly key: string; readonly index: number },
): Pick<ServerSnapshot, "local" | "rates"> {
  if (address === undefined) return {};
  const found = findServer(rates?.servers ?? [], entry.role, entry);
  const counted = findServer(counters?.servers ?? [], entry.role, entry);
  // The kernel's engines know what they do with it; of the others it can be told from the address.
  const isLocal = counted?.isLocal ?? input.isLocal(address);
  return { ...(isLocal && { local: true }), rates: found?.rates };
}

function serverSnapshot(
  context: FullContext,
  assessment: ServerAssessment,
  index: number,
): ServerSnapshot {
  const { service } = context.assessment;
  const { server, address, admin } = assessment;
  const figures = serverFigures(context, assessment, index);
  const id = serverId({ service: service.name, server: assessment.key });
  const known = context.input.healthOf(id);
  return {
    ...figures,
    address: address ?? null,
    weight: assessment.weight,
    admin,
    reason: assessment.reason,
    changedAt: timeOrNull(known?.changedAtMs),
    check: checkSnapshot(assessment, known),
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    listed: isShown(context, assessment),
    ...placeFacts(context, address, { role: "real", key: figures.key, index }),
  };
}

/** A server whose connections are to end has no place in the table of a kernel's engine. */
function isShown(
  { assessment: { service }, input }: FullContext,
  assessment: ServerAssessment,
): boolean {
  const { state } = assessment;
  const ends = state === "reset" || (state === "down" && service.onDown === "reset");
  const isKernel = engineName(input, service.name) === "ipvs";
  return isListed(service, assessment) && !(isKernel && ends);
}

/** Why the engine of a service was chosen; nothing for the proxy that was asked for. */
function engineReason({ assessment: { service }, input }: FullContext) {
  const decision = input.decisions?.get(service.name);
  if (decision === undefined || service.forwarding === "proxy") return {};
  return { engineReason: "refusal" in decision ? decision.refusal : decision.reason };
}

/** Prefix length of the persistence network, in the family that the service listens in. */
function persistenceMask({ persistence, listen }: ServiceAssessment["service"]): number | null {
  if (persistence === undefined) return null;
  const isIpv6 = listen[0]?.address.includes(":") === true;
  return isIpv6 ? persistence.ipv6PrefixBits : persistence.ipv4PrefixBits;
}

function fallbackSnapshot(
  context: FullContext,
  fallback: NonNullable<ServiceAssessment["fallback"]>,
): FallbackSnapshot {
  const { counters, assessment } = context;
  const endpoint = endpointOf(fallback);
  // The engine has it after the real servers.
  const index = assessment.servers.length;
  const key = endpoint ?? fallback.key;
  const counted = findServer(counters?.servers ?? [], "fallback", { key: endpoint, index });
  return {
    key,
    active: fallback.isActive,
    ...(counted !== undefined && { traffic: trafficOf(counted) }),
    ...placeFacts(context, fallback.address, { role: "fallback", key, index }),
  };
}

/** To whom a service belongs, and whether that is active here. */
function ownerOf(
  { routers }: ServiceAssessment["service"],
  { failover }: SnapshotInput,
): Pick<ServiceSnapshot, "owner"> {
  if (routers === undefined) return {};
  const isActive = (name: string): boolean =>
    failover?.routers.some((one) => one.name === name && one.state === "active") === true;
  return { owner: { routers, active: routers.some(isActive) } };
}

function serviceSnapshot(context: FullContext): ServiceSnapshot {
  const { assessment, input } = context;
  const { service, servers, fallback } = assessment;
  const realServers = servers.map((server, index) => serverSnapshot(context, server, index));
  return {
    ...serviceFigures(context, realServers),
    protocol: service.protocol,
    listen: service.listen.map(listenText),
    forwarding: service.forwarding,
    ...engineReason(context),
    ...ownerOf(service, input),
    ...(service.firewallMark !== undefined && { firewallMark: service.firewallMark }),
    scheduler: service.scheduler,
    ...(service.schedulerFlags !== undefined && { schedulerFlags: service.schedulerFlags }),
    persistentTimeoutMs: service.persistence?.timeoutMs ?? null,
    persistenceMask: persistenceMask(service),
    onePacket: service.onePacket,
    reason: input.problems.get(service.name) ?? assessment.reason,
    quorum: service.quorum,
    fallback: fallback === undefined ? null : fallbackSnapshot(context, fallback),
    rates: context.rates?.rates,
  };
}

/** Puts a snapshot together. */
export function assembleSnapshot(input: SnapshotInput): Snapshot {
  return {
    version: 1,
    program: input.program,
    at: timeText(input.nowMs),
    startedAt: timeText(input.startedAtMs),
    pid: input.pid,
    ready: input.notReady.length === 0,
    notReady: input.notReady,
    configuration: input.configuration,
    proxy: input.proxy,
    ...(input.timeouts !== undefined && { timeouts: input.timeouts }),
    ...droppedOf(input),
    ...(input.ipvs !== undefined && { ipvs: input.ipvs }),
    services: contextsOf(input).map((context) => {
      const rates = input.rates.service(context.assessment.service.name);
      return serviceSnapshot({ ...context, input, rates });
    }),
    ...(input.failover !== undefined && { failover: input.failover }),
    events: input.events,
  };
}
