/**
 * Interfaces of this host: on which the program belongs, and which of them leads to a real server.
 *
 * @module
 */

import { needsFence } from "../../fence/index.ts";
import type { Link, RouteSocket } from "../../netlink/route/index.ts";

/** ARPHRD_ETHER: the program looks for headers behind one of Ethernet. */
const ethernet = 1;

/** The way to a real server. */
export interface Way {
  readonly device: number;
  readonly isLocal: boolean;
  /** On this network: no router between. */
  readonly isDirect: boolean;
  /** Address of this host that its own packets carry there; undefined: none. */
  readonly source: string | undefined;
  /** Largest packet of IP that the first link takes, and what lies behind as far as is known. */
  readonly mtu: number;
}

/** Largest packet where an interface is gone that a route still names: what Ethernet takes. */
const mtuAssumed = 1500;

/**
 * Undefined: the host knows none. The first of several equal ways is taken.
 *
 * @param links Interfaces of this host.
 */
export function findWay(
  routes: Pick<RouteSocket, "getRoute">,
  links: readonly Pick<Link, "index" | "mtu">[],
  address: string,
): Way | undefined {
  const route = routes.getRoute({ to: address });
  if (route === undefined) return undefined;
  const isLocal = route.type === "local";
  const [hop] = route.hops;
  if (hop?.outIndex === undefined || (route.type !== "unicast" && !isLocal)) return undefined;
  const device = hop.outIndex;
  const linkMtu = links.find(({ index }) => index === device)?.mtu ?? mtuAssumed;
  return {
    device,
    isLocal,
    isDirect: hop.gateway === undefined,
    source: route.source,
    mtu: Math.min(linkMtu, route.mtu ?? linkMtu),
  };
}

/** True if packets of clients, or of real servers, come in through the device itself. */
export function needsBalancer(link: Link): boolean {
  const { index, name, isLoopback, masterIndex = 0, hardwareType } = link;
  return hardwareType === ethernet && needsFence({ index, name, isLoopback, masterIndex });
}
