/**
 * Facts about real servers, gathered from health checks, overrides, maintenance files and names.
 *
 * @module
 */

import type { HealthRunner } from "../check/index.ts";
import type { FactSource } from "./assessment.ts";
import type { MaintainedServer } from "./maintenance-name.ts";
import type { Overrides } from "./overrides.ts";
import type { HostState } from "./resolver.ts";
import { serverId } from "./server-id.ts";

/** Where the facts come from. */
export interface FactParts {
  readonly health: Pick<HealthRunner, "state">;
  readonly overrides: () => Overrides;
  readonly hostState: (host: string) => HostState;
  /** Name of the file that takes a server out of service. */
  readonly maintenanceFile: (server: MaintainedServer) => string | undefined;
}

/** A source that asks the parts anew each time. */
export function createFactSource(parts: FactParts): FactSource {
  const { health, overrides, hostState, maintenanceFile } = parts;
  return {
    addressOf: (host) => hostState(host).address,
    server(service, key, server) {
      const id = serverId({ service: service.name, server: key });
      const override = overrides().get(id);
      const host = hostState(server.host);
      const file = maintenanceFile({ host: server.host, port: server.port, address: host.address });
      if (file !== undefined && override?.admin !== "disabled") {
        const reason = `in maintenance: file ${file}`;
        return { address: host.address, health: "down", reason, override };
      }
      if (host.state === "pending") {
        const reason = "its name is being looked up";
        return { address: undefined, health: "unchecked", reason, override };
      }
      // A disabled server is not checked; what was known of it counts no more.
      const known = override?.admin === "disabled" ? undefined : health.state(id);
      return {
        address: host.address,
        health: known?.health ?? "unchecked",
        reason: known?.reason ?? "",
        override,
      };
    },
  };
}
