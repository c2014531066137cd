/**
 * What the engine tells without being asked: a failed connect hurries the server's next check,
 * the rest goes to the log.
 *
 * @module
 */

import type { EngineEvent, EngineListener } from "../datapath/index.ts";
import type { Logger } from "../log/index.ts";
import type { Reporter } from "./report.ts";

/** Where events go to. */
export interface EngineEventParts {
  readonly logger: Logger;
  readonly report: Reporter;
  /** Ids of the servers of a service at `address:port`. */
  idsAt(service: string, endpoint: string): readonly string[];
  suspect(id: string): void;
}

/** A listener that never throws and never waits. */
export function createEngineListener(parts: EngineEventParts): EngineListener {
  const { logger } = parts;
  return (event: EngineEvent): void => {
    switch (event.type) {
      case "connect-failed": {
        const { service, serverKey: server, reason } = event;
        for (const id of parts.idsAt(service, server)) parts.suspect(id);
        logger.log("warning", "connect-failed", { service, server, reason });
        return;
      }
      case "log":
        logger.log(event.level, "engine", { text: event.text });
        return;
      case "put-back": {
        const { service, text } = event;
        parts.report({ level: "warning", name: "engine-put-back", kind: "engine", service, text });
        return;
      }
      case "connection-closed":
        logger.log("info", "connection", {
          service: event.service,
          client: event.client,
          server: event.serverKey,
          cause: event.cause,
          duration_ms: Math.round(event.durationMs),
          bytes_in: event.bytesIn,
          bytes_out: event.bytesOut,
        });
    }
  };
}
