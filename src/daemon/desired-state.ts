/**
 * What the engine must forward, from what the director thinks of its services.
 *
 * Pure.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService, VirtualService } from "../model/index.ts";
import { canonicalAddress, formatEndpoint } from "../net/address.ts";
import { isListed } from "./assessment.ts";
import type { FallbackAssessment, ServerAssessment, ServiceAssessment } from "./assessment.ts";

/** A real server as the engine sees it; undefined while its name is not resolved. */
function realServer(
  service: VirtualService,
  assessment: ServerAssessment,
): ForwardingServer | undefined {
  const { address, server, health, admin } = assessment;
  if (address === undefined) return undefined;
  const isUnchecked = health === "unchecked" && admin === "enabled";
  return {
    key: formatEndpoint({ address, port: server.port }),
    role: "real",
    address,
    port: server.port,
    weight: assessment.effectiveWeight,
    state: assessment.state,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    isListed: isListed(service, assessment),
    ...(isUnchecked && { isUnchecked }),
  };
}

/**
 * The fallback as the engine sees it. While it is not needed it stays as quiescent, so that what
 * it serves at the moment comes to its end.
 */
function fallbackServer(fallback: FallbackAssessment | undefined): ForwardingServer | undefined {
  if (fallback?.address === undefined) return undefined;
  const { address, port, isActive } = fallback;
  return {
    key: formatEndpoint({ address, port }),
    role: "fallback",
    address,
    port,
    weight: isActive ? 1 : 0,
    state: isActive ? "active" : "quiescent",
    upperThreshold: 0,
    lowerThreshold: 0,
  };
}

/** Two configured names may have one address: the engine gets it once, the one that serves. */
function withoutDuplicates(servers: readonly ForwardingServer[]): readonly ForwardingServer[] {
  const byKey = new Map<string, ForwardingServer>();
  for (const server of servers) {
    const other = byKey.get(server.key);
    if (other === undefined || (other.weight === 0 && server.weight > 0)) {
      byKey.set(server.key, server);
    }
  }
  return byKey.size === servers.length ? servers : [...byKey.values()];
}

/** What does not depend on the state of real servers. */
function forwardingFrame(
  service: VirtualService,
): Omit<ForwardingService, "engine" | "leased" | "servers"> {
  return {
    name: service.name,
    protocol: service.protocol,
    listen: service.listen,
    firewallMark: service.firewallMark,
    forwarding: service.forwarding,
    scheduler: service.scheduler,
    schedulerFlags: service.schedulerFlags,
    persistence: service.persistence,
    onDown: service.onDown,
    connectionLimit: service.connectionLimit,
    allow: service.allow,
    deny: service.deny,
    timeouts: service.timeouts,
    sendProxy: service.sendProxy,
    acceptProxyFrom: service.acceptProxyFrom,
    source: service.source,
    onePacket: service.onePacket,
    connectionLog: service.connectionLog,
    mtu: service.mtu,
  };
}

/**
 * A service as it is configured, for the question which engine can carry it: all servers that are
 * no names, as if all were well.
 */
export function configuredForwarding(service: VirtualService): ForwardingService {
  const reals = service.realServers.map((server) => ({ ...server, role: "real" as const }));
  const { fallback } = service;
  const none = { weight: 1, upperThreshold: 0, lowerThreshold: 0 };
  const all =
    fallback === undefined
      ? reals
      : [...reals, { ...fallback, ...none, role: "fallback" as const }];
  const servers = all.flatMap((server): ForwardingServer[] => {
    const { host, port, role, weight, upperThreshold, lowerThreshold } = server;
    const address = canonicalAddress(host);
    if (address === undefined) return [];
    const key = formatEndpoint({ address, port });
    const thresholds = { upperThreshold, lowerThreshold };
    return [{ key, role, address, port, weight, state: "active", ...thresholds }];
  });
  return { ...forwardingFrame(service), servers };
}

/** What is known of a service besides the state of its servers. */
export interface ForwardingFacts {
  /** What was chosen to carry it. @default "proxy" */
  readonly engine?: ForwardingService["engine"];
  /** Addresses of virtual routers. */
  readonly leased?: ReadonlySet<string> | undefined;
}

/** One service as the engine sees it. */
export function forwardingService(
  assessment: ServiceAssessment,
  { engine = "proxy", leased }: ForwardingFacts = {},
): ForwardingService {
  const { service } = assessment;
  const reals = assessment.servers
    .map((server) => realServer(service, server))
    .filter((server) => server !== undefined);
  const fallback = fallbackServer(assessment.fallback);
  const servers = [...withoutDuplicates(reals), ...(fallback === undefined ? [] : [fallback])];
  const own = service.listen.map(({ address }) => address);
  const needLease = [...new Set(own)].filter((address) => leased?.has(address) === true);
  return {
    ...forwardingFrame(service),
    engine,
    ...(needLease.length > 0 && { leased: needLease }),
    servers,
  };
}
