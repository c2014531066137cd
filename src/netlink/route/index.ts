/**
 * rtnetlink: interfaces, addresses, routes, neighbours, and notices of their changes.
 *
 * @module
 */

export type { InterfaceAddress, NewAddress, Scope } from "./address.ts";
export type { RouteEvent } from "./event.ts";
export type { Link, OperationalState } from "./link.ts";
export { openRouteMonitor, RouteMonitor } from "./monitor.ts";
export type { Neighbour, NeighbourState } from "./neighbour.ts";
export { openRouteSocket, RouteSocket } from "./route-socket.ts";
export type { TunnelOutcome } from "./route-socket.ts";
export type { Route, RouteHop, RouteQuestion, RouteType } from "./route.ts";
export type { NewTunnel } from "./tunnel.ts";
