/**
 * rtnetlink: interfaces, addresses, routes, neighbours, notices of their changes, and programs at
 * the ingress and egress of a device.
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
export { openTrafficControl, TrafficControlSocket } from "./traffic-control-socket.ts";
export type { ClsactOutcome } from "./traffic-control-socket.ts";
export type { Filter, FilterDirection, FilterPlace, NewBpfFilter } from "./traffic-control.ts";
export type { NewTunnel } from "./tunnel.ts";
