/**
 * What the engine must forward, from what the director thinks of its services.
 *
 * Pure.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type { FallbackAssessment, ServerAssessment, ServiceAssessment } from "./assessment.ts";

/** A real server as the engine sees it; undefined while its name is not resolved. */
function realServer(assessment: ServerAssessment): ForwardingServer | undefined {
  const { address, server } = assessment;
  if (address === undefined) return undefined;
  return {
    key: formatEndpoint({ address, port: server.port }),
    role: "real",
    address,
    port: server.port,
    weight: assessment.effectiveWeight,
    state: assessment.state,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
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

/** One service as the engine sees it. */
export function forwardingService(assessment: ServiceAssessment): ForwardingService {
  const { service } = assessment;
  const reals = assessment.servers.map(realServer).filter((server) => server !== undefined);
  const fallback = fallbackServer(assessment.fallback);
  const servers = [...withoutDuplicates(reals), ...(fallback === undefined ? [] : [fallback])];
  return {
    name: service.name,
    protocol: service.protocol,
    listen: service.listen,
    forwarding: service.forwarding,
    scheduler: service.scheduler,
    persistence: service.persistence,
    servers,
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
  };
}
