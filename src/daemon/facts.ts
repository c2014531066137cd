/**
 * Facts about real servers, gathered from health checks, overrides and names.
 *
 * @module
 */

import type { HealthRunner } from "../check/index.ts";
import type { FactSource } from "./assessment.ts";
import type { Overrides } from "./overrides.ts";
import type { HostState } from "./resolver.ts";
import { serverId } from "./server-id.ts";

/** Where the facts come from. */
export interface FactParts {
  readonly health: Pick<HealthRunner, "state">;
  readonly overrides: () => Overrides;
  readonly hostState: (host: string) => HostState;
}

/** A source that asks the parts anew each time. */
export function createFactSource({ health, overrides, hostState }: FactParts): FactSource {
  return {
    addressOf: (host) => hostState(host).address,
    server(service, key, server) {
      const id = serverId({ service: service.name, server: key });
      const override = overrides().get(id);
      const host = hostState(server.host);
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
