/**
 * Schemas of the native configuration file, one for each kind of table (docs/configuration.md).
 *
 * @module
 */

export { checkServices, checkTable, checkTypes } from "./check.ts";
export type { CheckTable } from "./check.ts";
export { directorTable, proxyTable, statusTable } from "./director.ts";
export type { DirectorTable, ProxyTable, StatusTable } from "./director.ts";
export { ipvsTable } from "./ipvs.ts";
export type { IpvsTable } from "./ipvs.ts";
export { mailTable } from "./mail.ts";
export type { MailTable, ServiceMailTable } from "./mail.ts";
export { peerTable, vrrpTable } from "./failover.ts";
export type { PeerTable, TrackTable, VirtualAddressTable, VrrpTable } from "./failover.ts";
export { defaultsTable, groupTable, realServerTable, serviceTable } from "./service.ts";
export type { DefaultsTable, GroupTable, RealServerTable, ServiceTable } from "./service.ts";
export { alternatives, isHostName, knownKey } from "./value.ts";
export type { ServerText } from "./value.ts";
