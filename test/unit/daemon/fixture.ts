/**
 * Configured services for tests, with every field filled.
 *
 * @module
 */

import type { ServerAssessment } from "../../../src/daemon/assessment.ts";
import { closeCauses } from "../../../src/datapath/engine.ts";
import type { ServerCounters, ServiceCounters } from "../../../src/datapath/engine.ts";
import type { CheckSpec, RealServer, VirtualService } from "../../../src/model/index.ts";

/** A connect check. */
export const connectCheck: CheckSpec = {
  type: "connect",
  connectsPerNegotiate: 0,
  service: undefined,
  http: undefined,
  command: undefined,
  port: undefined,
  intervalMs: 2000,
  timeoutMs: 1000,
  rise: 1,
  fall: 2,
  fastIntervalMs: 200,
};

/** A real server `host:port`. */
export function realServer(host: string, port: number, more: Partial<RealServer> = {}): RealServer {
  return {
    host,
    port,
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    check: connectCheck,
    ...more,
  };
}

/** A real server `host:port` that is up, as the director judges it. */
export function assessedServer(
  host: string,
  port: number,
  more: Partial<ServerAssessment> = {},
): ServerAssessment {
  return {
    key: `${host}:${port}`,
    server: realServer(host, port),
    address: host,
    health: "up",
    admin: "enabled",
    weight: 1,
    effectiveWeight: 1,
    state: "active",
    reason: "",
    healthReason: "",
    ...more,
  };
}

/** A proxied TCP service called `web` on 192.0.2.100:80 with two real servers. */
export function virtualService(more: Partial<VirtualService> = {}): VirtualService {
  return {
    name: "web",
    protocol: "tcp",
    listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }],
    forwarding: "proxy",
    engine: "auto",
    scheduler: "wlc",
    persistence: undefined,
    quiescent: true,
    fallback: undefined,
    realServers: [realServer("192.0.2.11", 80), realServer("192.0.2.12", 80, { weight: 2 })],
    quorum: 1,
    quorumUp: undefined,
    quorumDown: undefined,
    onServiceUp: undefined,
    onServiceDown: undefined,
    fallbackCommand: undefined,
    monitorFile: undefined,
    mail: undefined,
    onDown: "keep",
    connectionLimit: 0,
    allow: [],
    deny: [],
    timeouts: {
      connectMs: 5000,
      idleMs: 3_600_000,
      halfClosedMs: 30_000,
      udpIdleMs: 30_000,
      keepaliveMs: 0,
      userTimeoutMs: 0,
    },
    sendProxy: "off",
    acceptProxyFrom: [],
    source: [],
    onePacket: false,
    connectionLog: false,
    ...more,
  };
}

/** Counters of the real server 192.0.2.11:80, all 0. */
export function serverCounters(more: Partial<ServerCounters> = {}): ServerCounters {
  return {
    key: "192.0.2.11:80",
    role: "real",
    active: 0,
    inactive: 0,
    connections: 0,
    connectFailures: 0,
    bytesIn: 0,
    bytesOut: 0,
    packetsIn: 0,
    packetsOut: 0,
    persistentEntries: 0,
    ...more,
  };
}

/** Counters of the service `web`, all 0, without servers. */
export function serviceCounters(more: Partial<ServiceCounters> = {}): ServiceCounters {
  return {
    name: "web",
    active: 0,
    connections: 0,
    bytesIn: 0,
    bytesOut: 0,
    packetsIn: 0,
    packetsOut: 0,
    closed: Object.fromEntries(closeCauses.map((cause) => [cause, 0])) as ServiceCounters["closed"],
    servers: [],
    ...more,
  };
}
