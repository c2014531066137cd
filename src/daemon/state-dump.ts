/**
 * State to the log (SIGUSR1): one line a service, one a real server.
 *
 * @module
 */

import type { Logger } from "../log/index.ts";
import type { Snapshot } from "../status/index.ts";

/** Lines written at most; the log's own limit for repeats is below it, `status` has everything. */
const linesMax = 1000;

/** Writes a snapshot to the log. */
export function dumpState(snapshot: Snapshot, logger: Logger): void {
  let lines = 0;
  for (const service of snapshot.services) {
    if (lines >= linesMax) break;
    lines += 1 + service.realServers.length;
    logger.log("info", "state-service", {
      service: service.name,
      state: service.state,
      reason: service.reason === "" ? undefined : service.reason,
      active: service.activeConnections,
      connections: service.connections,
      fallback: service.fallback?.active,
    });
    for (const server of service.realServers) {
      logger.log("info", "state-server", {
        service: service.name,
        server: server.key,
        health: server.health,
        admin: server.admin,
        weight: server.weight,
        effective_weight: server.effectiveWeight,
        active: server.activeConnections,
        connections: server.connections,
        reason: server.reason,
      });
    }
  }
}
