/**
 * Generic netlink, and IPVS which is spoken to through it.
 *
 * @module
 */

export { GenericSocket, openGenericSocket } from "./family.ts";
export type { FamilyAnswer, GenericFamily, GenericRequest } from "./family.ts";
export type { IpvsDaemon, IpvsDaemonRole, IpvsInfo, IpvsTimeouts } from "./ipvs-control.ts";
export { plainTunnel } from "./ipvs-destination.ts";
export type {
  IpvsDestination,
  IpvsDestinationKey,
  IpvsDestinationSettings,
  IpvsMethod,
  IpvsTunnel,
  IpvsTunnelType,
} from "./ipvs-destination.ts";
export type {
  IpvsProtocol,
  IpvsService,
  IpvsServiceKey,
  IpvsServiceSettings,
} from "./ipvs-service.ts";
export { IpvsSocket, openIpvs } from "./ipvs-socket.ts";
export type { IpvsAnswer } from "./ipvs-socket.ts";
export type { IpvsStats } from "./ipvs-stats.ts";
