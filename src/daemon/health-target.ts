/**
 * Whom the health checks ask, from configuration, overrides and resolved names.
 *
 * Pure.
 *
 * @module
 */

import type { HealthTarget, VipTarget } from "../check/index.ts";
import type { RealServer, VirtualService } from "../model/index.ts";
import type { MaintainedServer } from "./maintenance-name.ts";
import type { Overrides } from "./overrides.ts";
import type { HostState } from "./resolver.ts";
import { configuredKey, serverId } from "./server-id.ts";

/** What is known besides the configuration. */
export interface TargetFacts {
  readonly overrides: Overrides;
  hostState(host: string): HostState;
  /** Name of the file that takes a server out of service. */
  maintenanceFile(server: MaintainedServer): string | undefined;
}

/** How clients come to the real servers of a service that the kernel carries. */
export function vipTargetOf({ forwarding, listen }: VirtualService): VipTarget | undefined {
  if (forwarding === "proxy") return undefined;
  return { forwarding, addresses: [...new Set(listen.map(({ address }) => address))] };
}

function targetOf(
  service: VirtualService,
  server: RealServer,
  address: string | undefined,
): HealthTarget["target"] {
  if (address === undefined) return undefined;
  const [listen] = service.listen;
  return {
    address,
    port: server.check.port ?? server.port,
    host: server.host,
    protocol: service.protocol,
    virtualAddress: listen?.address ?? "",
    virtualPort: listen?.portFirst ?? 0,
    sendProxy: service.sendProxy,
    vip: server.check.type === "vip" ? vipTargetOf(service) : undefined,
  };
}

/**
 * One target for each real server that is to be checked: not a disabled one, not one in
 * maintenance, and not one whose name has not been looked up yet (it stays unchecked, which is
 * not a failure).
 */
export function healthTargets(
  services: readonly VirtualService[],
  facts: TargetFacts,
): readonly HealthTarget[] {
  const targets: HealthTarget[] = [];
  for (const service of services) {
    for (const server of service.realServers) {
      const id = serverId({ service: service.name, server: configuredKey(server) });
      if (facts.overrides.get(id)?.admin === "disabled") continue;
      const host = facts.hostState(server.host);
      const { host: name, port } = server;
      const file = facts.maintenanceFile({ host: name, port, address: host.address });
      if (file !== undefined) continue;
      if (host.state === "pending") continue;
      targets.push({ id, spec: server.check, target: targetOf(service, server, host.address) });
    }
  }
  return targets;
}

/** Every host that the configuration names, addresses included. */
export function configuredHosts(services: readonly VirtualService[]): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const { realServers, fallback } of services) {
    for (const { host } of realServers) hosts.add(host);
    if (fallback !== undefined) hosts.add(fallback.host);
  }
  return hosts;
}
