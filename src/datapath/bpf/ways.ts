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
}

/** Undefined: the host knows none. The first of several equal ways is taken. */
export function findWay(routes: Pick<RouteSocket, "getRoute">, address: string): Way | undefined {
  const route = routes.getRoute({ to: address });
  if (route === undefined) return undefined;
  const isLocal = route.type === "local";
  const [hop] = route.hops;
  if (hop?.outIndex === undefined || (route.type !== "unicast" && !isLocal)) return undefined;
  return { device: hop.outIndex, isLocal, isDirect: hop.gateway === undefined };
}

/** True if packets of clients, or of real servers, come in through the device itself. */
export function needsBalancer(link: Link): boolean {
  const { index, name, isLoopback, masterIndex = 0, hardwareType } = link;
  return hardwareType === ethernet && needsFence({ index, name, isLoopback, masterIndex });
}
