/**
 * Schema of `GET /status`, held against the types of `source.ts` by the
 * compiler.
 *
 * Additive only: a field may be added, none may change its meaning or go away within `version` 1.
 * So unknown keys are allowed. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { failoverSchema } from "./failover.ts";
import type { Snapshot } from "./source.ts";

const count = v.pipe(v.number(), v.minValue(0));
const wholeCount = v.pipe(v.number(), v.integer(), v.minValue(0));
const weight = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const timestamp = v.pipe(v.string(), v.isoTimestamp(), v.description("RFC 3339 time in UTC"));

const rates = v.pipe(
  v.object({
    cps: v.pipe(count, v.description("New connections")),
    inPps: count,
    outPps: count,
    inBps: v.pipe(count, v.description("Bytes from clients")),
    outBps: v.pipe(count, v.description("Bytes to clients")),
  }),
  v.description("Averages per second; absent until two samples exist"),
);

const trafficEntries = {
  activeConnections: wholeCount,
  inactiveConnections: v.pipe(
    wholeCount,
    v.description("Connections whose client or server has closed its half"),
  ),
  connections: wholeCount,
  connectFailures: wholeCount,
  bytesIn: v.pipe(wholeCount, v.description("From clients to the server")),
  bytesOut: v.pipe(wholeCount, v.description("From the server to clients")),
  packetsIn: wholeCount,
  packetsOut: wholeCount,
  persistentEntries: wholeCount,
};

const check = v.object({
  type: v.string(),
  at: v.nullable(timestamp),
  tookMs: v.nullable(count),
  ok: v.nullable(v.boolean()),
  detail: v.string(),
  failures: wholeCount,
});

const server = v.object({
  key: v.pipe(v.string(), v.description("address:port, or host:port while not resolved")),
  host: v.string(),
  address: v.nullable(v.string()),
  port,
  weight: v.pipe(weight, v.description("As configured or overridden")),
  effectiveWeight: v.pipe(weight, v.description("What the engine uses now")),
  health: v.picklist(["up", "down", "unchecked"]),
  admin: v.picklist(["enabled", "draining", "disabled"]),
  reason: v.pipe(v.string(), v.description("Why it is in this state, one line")),
  changedAt: v.nullable(timestamp),
  check,
  ...trafficEntries,
  upperThreshold: wholeCount,
  lowerThreshold: wholeCount,
  listed: v.pipe(v.boolean(), v.description("In the table of `appliance list`")),
  local: v.optional(v.boolean()),
  rates: v.optional(rates),
});

const fallback = v.object({
  key: v.string(),
  active: v.boolean(),
  local: v.optional(v.boolean()),
  traffic: v.optional(v.object(trafficEntries)),
  rates: v.optional(rates),
});

const service = v.object({
  name: v.string(),
  protocol: v.picklist(["tcp", "udp"]),
  listen: v.pipe(
    v.array(v.string()),
    v.description("Each address:port or address:first-last, IPv6 in brackets"),
  ),
  forwarding: v.picklist(["proxy", "masq", "gate", "ipip"]),
  engine: v.string(),
  engineReason: v.optional(v.pipe(v.string(), v.description("Why this engine, one line"))),
  owner: v.optional(
    v.pipe(
      v.object({ routers: v.array(v.string()), active: v.boolean() }),
      v.description("Virtual routers it belongs to; listed where one of them is active"),
    ),
  ),
  firewallMark: v.optional(
    v.pipe(wholeCount, v.description("The service is the packets with this mark")),
  ),
  scheduler: v.string(),
  persistentTimeoutMs: v.nullable(count),
  persistenceMask: v.nullable(wholeCount),
  schedulerFlags: v.optional(v.array(v.string())),
  onePacket: v.boolean(),
  state: v.picklist(["up", "fallback", "down"]),
  reason: v.pipe(v.string(), v.description("Why it is not up; empty when up")),
  quorum: count,
  activeConnections: wholeCount,
  connections: wholeCount,
  bytesIn: wholeCount,
  bytesOut: wholeCount,
  packetsIn: wholeCount,
  packetsOut: wholeCount,
  closed: v.pipe(
    v.record(v.string(), wholeCount),
    v.description("Connections ended or refused, by cause"),
  ),
  fallback: v.nullable(fallback),
  rates: v.optional(rates),
  realServers: v.array(server),
});

const event = v.object({
  id: v.pipe(wholeCount, v.description("Rises by one; also the id of /events")),
  at: timestamp,
  kind: v.picklist([
    "health",
    "service",
    "reload",
    "override",
    "listener",
    "engine",
    "failover",
    "start",
    "stop",
  ]),
  service: v.nullable(v.string()),
  server: v.nullable(v.string()),
  text: v.string(),
});

const timeouts = v.object({ tcpMs: count, tcpFinMs: count, udpMs: count });

const ipvs = v.object({
  version: v.string(),
  connectionTableSize: v.pipe(wholeCount, v.description("Slots of the connection table")),
  timeouts,
  daemons: v.pipe(
    v.array(
      v.object({
        role: v.picklist(["active", "backup"]),
        interfaceName: v.string(),
        syncId: wholeCount,
        payloadBytes: v.optional(wholeCount),
        group: v.optional(v.string()),
        port: v.optional(port),
        ttl: v.optional(wholeCount),
      }),
    ),
    v.description("Synchronisation daemons"),
  ),
});

/** Schema of {@link Snapshot}; test/unit/status/snapshot.test.ts holds the two alike. */
export const snapshotSchema = v.object({
  version: v.literal(1),
  program: v.object({ version: v.string(), commit: v.string() }),
  at: timestamp,
  startedAt: timestamp,
  pid: wholeCount,
  ready: v.boolean(),
  notReady: v.pipe(v.array(v.string()), v.description("Why it is not ready; empty when ready")),
  configuration: v.object({
    files: v.array(v.string()),
    loadedAt: timestamp,
    lastReloadSuccessful: v.boolean(),
    lastReloadError: v.nullable(v.string()),
  }),
  proxy: v.object({ workers: wholeCount, engine: v.string() }),
  timeouts: v.optional(timeouts),
  droppedPackets: v.optional(
    v.pipe(
      v.array(v.object({ engine: v.string(), reason: v.string(), count: wholeCount })),
      v.description("Packets of services that an engine of the kernel dropped, by reason"),
    ),
  ),
  ipvs: v.optional(ipvs),
  services: v.array(service),
  failover: v.optional(failoverSchema),
  events: v.pipe(v.array(event), v.description("The last 100, newest first")),
}) satisfies v.GenericSchema<unknown, Snapshot>;
