/**
 * The table of `list-sample.ts` as a director's status has it, but for the firewall mark, which no
 * engine of this build carries.
 *
 * @module
 */

import type { ListServer, ListService } from "../../src/cli/list-model.ts";
import { formatEndpoint } from "../../src/net/address.ts";
import type {
  ConnectionSnapshot,
  Rates,
  ServerSnapshot,
  ServiceSnapshot,
} from "../../src/status/index.ts";
import { serverSnapshot, serviceSnapshot } from "./fake-status-source.ts";
import { sampleConnections, sampleServices } from "./list-sample.ts";

function ratesOf({ rates }: Pick<ListService, "rates">): Rates {
  return {
    cps: rates.connections,
    inPps: rates.packetsIn,
    outPps: rates.packetsOut,
    inBps: rates.bytesIn,
    outBps: rates.bytesOut,
  };
}

function serverOf(server: ListServer): ServerSnapshot {
  const { address, port } = server.endpoint;
  return serverSnapshot({
    ...server.stats,
    key: formatEndpoint(server.endpoint),
    address,
    port,
    effectiveWeight: server.weight,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    activeConnections: server.activeConnections,
    inactiveConnections: server.inactiveConnections,
    persistentEntries: server.persistentConnections,
    rates: ratesOf(server),
    local: server.forward === "Local",
  });
}

function serviceOf(service: ListService): ServiceSnapshot {
  const { persistentSeconds, maskBits = 32, servers } = service;
  return serviceSnapshot({
    ...service.stats,
    protocol: service.protocol === "UDP" ? "udp" : "tcp",
    listen: [formatEndpoint(service.endpoint)],
    forwarding: servers[0]!.forward === "Masq" ? "masq" : "gate",
    engine: "ipvs",
    scheduler: service.scheduler,
    schedulerFlags: service.schedulerFlags,
    persistentTimeoutMs: persistentSeconds === undefined ? null : persistentSeconds * 1000,
    persistenceMask: persistentSeconds === undefined ? null : maskBits,
    onePacket: service.onePacket,
    rates: ratesOf(service),
    realServers: servers.map(serverOf),
  });
}

/** In the order of the golden files. */
export const snapshotServices: readonly ServiceSnapshot[] = sampleServices
  .filter(({ protocol }) => protocol !== "FWM")
  .map(serviceOf);

/** Connections that an engine of this build can have. */
export const snapshotConnections: readonly ConnectionSnapshot[] = sampleConnections.flatMap(
  ({ protocol, ...connection }) =>
    protocol === "ip" ? [] : [{ ...connection, protocol, service: "web" }],
);

/** A golden file without its lines of the firewall mark 1. */
export function withoutMark(golden: string): string {
  const lines = golden.split("\n");
  const isMark = (line: string): boolean =>
    /^FWM {2}1 |^-[Aa] -f 1 /.test(line) || /^IP .* 0\.0\.0\.1:0 /.test(line);
  // The servers of a service stand below it.
  return lines
    .filter((line, index) => {
      const above = lines.slice(0, index).findLast((one) => !one.startsWith("  -> "));
      return !isMark(line) && !(line.startsWith("  -> ") && isMark(above ?? ""));
    })
    .join("\n");
}
