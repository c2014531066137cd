/**
 * Everything at one moment, for `GET /status`.
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
  ServerSnapshot,
  ServiceSnapshot,
  Snapshot,
  TrafficSnapshot,
} from "../status/index.ts";
import type { ServerAssessment, ServiceAssessment } from "./assessment.ts";
import type { RateTable } from "./rate-table.ts";
import { serverId } from "./server-id.ts";

/** What the parts know. */
export interface SnapshotInput extends Pick<
  Snapshot,
  "program" | "pid" | "notReady" | "configuration" | "proxy" | "timeouts" | "events"
> {
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly assessments: Iterable<ServiceAssessment>;
  readonly counters: readonly ServiceCounters[];
  /** Engine that carries the services, as shown. */
  readonly engine: string;
  /** What could not be done for a service, by its name. */
  readonly problems: ReadonlyMap<string, string>;
  readonly rates: Pick<RateTable, "service" | "server">;
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
const noTraffic: TrafficSnapshot = {
  activeConnections: 0,
  inactiveConnections: 0,
  connections: 0,
  connectFailures: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  persistentEntries: 0,
};

function trafficOf(counters: ServerCounters): TrafficSnapshot {
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

const noServiceCounters: Omit<ServiceCounters, "name" | "closed"> = {
  active: 0,
  connections: 0,
  bytesIn: 0,
  bytesOut: 0,
  packetsIn: 0,
  packetsOut: 0,
  servers: [],
};

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

/** Everything of one service that its servers need. */
interface ServiceContext {
  readonly assessment: ServiceAssessment;
  readonly input: SnapshotInput;
  /** By role and key. */
  readonly counters: ReadonlyMap<string, ServerCounters>;
}

function counterKey({ role, key }: Pick<ServerCounters, "role" | "key">): string {
  return `${role} ${key}`;
}

/** What stands beside the state of a server: where it is and what the engine counted. */
function engineFacts(
  { assessment, input, counters }: ServiceContext,
  role: "real" | "fallback",
  { address, port }: { readonly address: string | undefined; readonly port: number },
) {
  const key = address === undefined ? undefined : formatEndpoint({ address, port });
  const counted = key === undefined ? undefined : counters.get(counterKey({ role, key }));
  const isLocal = address !== undefined && input.isLocal(address);
  const service = assessment.service.name;
  return {
    key,
    traffic: counted === undefined ? undefined : trafficOf(counted),
    more: {
      ...(isLocal && { local: true }),
      ...(key !== undefined && { rates: input.rates.server({ service, role, key }) }),
    },
  };
}

function serverSnapshot(context: ServiceContext, assessment: ServerAssessment): ServerSnapshot {
  const { service } = context.assessment;
  const { server, address } = assessment;
  const { key, traffic, more } = engineFacts(context, "real", { address, port: server.port });
  const health = context.input.healthOf(
    serverId({ service: service.name, server: assessment.key }),
  );
  return {
    key: key ?? assessment.key,
    host: server.host,
    address: address ?? null,
    port: server.port,
    weight: assessment.weight,
    effectiveWeight: assessment.effectiveWeight,
    health: assessment.health,
    admin: assessment.admin,
    reason: assessment.reason,
    changedAt: timeOrNull(health?.changedAtMs),
    check: checkSnapshot(assessment, health),
    ...(traffic ?? noTraffic),
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    listed: service.quiescent || assessment.health === "up" || assessment.admin !== "enabled",
    ...more,
  };
}

/** Prefix length of the persistence network, in the family that the service listens in. */
function persistenceMask({ persistence, listen }: ServiceAssessment["service"]): number | null {
  if (persistence === undefined) return null;
  const isIpv6 = listen[0]?.address.includes(":") === true;
  return isIpv6 ? persistence.ipv6PrefixBits : persistence.ipv4PrefixBits;
}

function fallbackSnapshot(
  context: ServiceContext,
  { key, address, port, isActive }: NonNullable<ServiceAssessment["fallback"]>,
): FallbackSnapshot {
  const facts = engineFacts(context, "fallback", { address, port });
  return {
    key: facts.key ?? key,
    active: isActive,
    ...(facts.traffic !== undefined && { traffic: facts.traffic }),
    ...facts.more,
  };
}

function serviceSnapshot(
  assessment: ServiceAssessment,
  counters: ServiceCounters | undefined,
  input: SnapshotInput,
): ServiceSnapshot {
  const { service, fallback } = assessment;
  const total = counters ?? noServiceCounters;
  const context: ServiceContext = {
    assessment,
    input,
    counters: new Map(total.servers.map((server) => [counterKey(server), server])),
  };
  // What cannot be reached does not serve, whatever its real servers do.
  const problem = input.problems.get(service.name);
  const rates = input.rates.service(service.name);
  return {
    name: service.name,
    protocol: service.protocol,
    listen: service.listen.map(listenText),
    forwarding: service.forwarding,
    engine: input.engine,
    scheduler: service.scheduler,
    persistentTimeoutMs: service.persistence?.timeoutMs ?? null,
    persistenceMask: persistenceMask(service),
    onePacket: service.onePacket,
    state: problem === undefined ? assessment.state : "down",
    reason: problem ?? assessment.reason,
    quorum: service.quorum,
    activeConnections: total.active,
    connections: total.connections,
    bytesIn: total.bytesIn,
    bytesOut: total.bytesOut,
    packetsIn: total.packetsIn,
    packetsOut: total.packetsOut,
    closed: counters?.closed ?? {},
    fallback: fallback === undefined ? null : fallbackSnapshot(context, fallback),
    ...(rates !== undefined && { rates }),
    realServers: assessment.servers.map((server) => serverSnapshot(context, server)),
  };
}

/** Puts a snapshot together. */
export function assembleSnapshot(input: SnapshotInput): Snapshot {
  const countersByName = new Map(input.counters.map((service) => [service.name, service]));
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
    services: [...input.assessments].map((assessment) =>
      serviceSnapshot(assessment, countersByName.get(assessment.service.name), input),
    ),
    events: input.events,
  };
}
