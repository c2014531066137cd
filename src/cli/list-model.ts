/**
 * What `list` shows, in the terms of ipvsadm(8); made from a snapshot. Pure.
 *
 * @module
 */

import { familyOf, parseAddress, parseEndpoint } from "../net/address.ts";
import type { Endpoint } from "../net/address.ts";
import type { Rates, ServerSnapshot, ServiceSnapshot, Snapshot } from "../status/index.ts";

/** Counters, or rates per second, in the order of ipvsadm's columns. */
export interface ListTraffic {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** One real server of the table. */
export interface ListServer {
  readonly endpoint: Endpoint;
  readonly forward: "Masq" | "Local" | "Tunnel" | "Route";
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly stats: ListTraffic;
  readonly rates: ListTraffic;
}

/** One virtual service of the table. */
export interface ListService {
  readonly protocol: "TCP" | "UDP" | "FWM";
  /** Address and port; of a firewall mark the family (any address of it) and port 0. */
  readonly endpoint: Endpoint;
  /** Last port of a range, which ipvs does not have; undefined: one port. */
  readonly portLast?: number | undefined;
  /** Set for FWM. */
  readonly mark?: number | undefined;
  readonly scheduler: string;
  readonly schedulerFlags: readonly string[];
  readonly persistentSeconds?: number | undefined;
  /** Prefix length of the persistence network; undefined: each address for itself. */
  readonly maskBits?: number | undefined;
  readonly onePacket: boolean;
  readonly stats: ListTraffic;
  readonly rates: ListTraffic;
  readonly servers: readonly ListServer[];
}

/** Which one service to list. */
export type ListSelection =
  | { readonly protocol: "TCP" | "UDP"; readonly endpoint: Endpoint }
  | { readonly protocol: "FWM"; readonly mark: number };

const noTraffic: ListTraffic = {
  connections: 0,
  packetsIn: 0,
  packetsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
};

const forwards = { proxy: "Masq", masq: "Masq", gate: "Route", ipip: "Tunnel" } as const;

function ratesOf(rates: Rates | undefined): ListTraffic {
  if (rates === undefined) return noTraffic;
  return {
    connections: rates.cps,
    packetsIn: rates.inPps,
    packetsOut: rates.outPps,
    bytesIn: rates.inBps,
    bytesOut: rates.outBps,
  };
}

function statsOf(traffic: ListTraffic): ListTraffic {
  const { connections, packetsIn, packetsOut, bytesIn, bytesOut } = traffic;
  return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
}

/** ipvs delivers locally what is addressed to the director itself; a proxy connects to itself. */
function forwardOf(
  { forwarding, engine }: ServiceSnapshot,
  isLocal: boolean | undefined,
): ListServer["forward"] {
  const isKernel = forwarding !== "proxy" && engine !== "proxy" && engine !== "portable";
  return isLocal === true && isKernel ? "Local" : forwards[forwarding];
}

function serverOf(service: ServiceSnapshot, server: ServerSnapshot): ListServer | undefined {
  const { address, port } = server;
  if (!server.listed || address === null) return undefined;
  return {
    endpoint: { address, port },
    forward: forwardOf(service, server.local),
    weight: server.effectiveWeight,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    activeConnections: server.activeConnections,
    inactiveConnections: server.inactiveConnections,
    persistentConnections: server.persistentEntries,
    stats: statsOf(server),
    rates: ratesOf(server.rates),
  };
}

/** While it serves, the fallback is in the table with weight 1, as ldirectord puts it there. */
function fallbackOf(service: ServiceSnapshot): ListServer | undefined {
  const { fallback } = service;
  const endpoint = fallback?.active === true ? parseEndpoint(fallback.key) : undefined;
  if (fallback === null || endpoint === undefined) return undefined;
  const { traffic } = fallback;
  return {
    endpoint,
    forward: forwardOf(service, fallback.local),
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: traffic?.activeConnections ?? 0,
    inactiveConnections: traffic?.inactiveConnections ?? 0,
    persistentConnections: traffic?.persistentEntries ?? 0,
    stats: traffic === undefined ? noTraffic : statsOf(traffic),
    rates: ratesOf(fallback.rates),
  };
}

/** By family, then by the bytes of the address, then by port. */
function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const [left, right] = [parseAddress(a.address)!, parseAddress(b.address)!];
  return left.length - right.length || Buffer.compare(left, right) || a.port - b.port;
}

/** Position of a service in the order of ipvsadm. */
function rankOf({ protocol, mark, endpoint }: ListService): readonly number[] {
  return [mark ?? 0, familyOf(endpoint.address), ["TCP", "UDP", "FWM"].indexOf(protocol)];
}

function compareServices(a: ListService, b: ListService): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  const difference = left.map((rank, index) => rank - right[index]!).find((one) => one !== 0);
  return difference ?? compareEndpoints(a.endpoint, b.endpoint);
}

/** Services by mark, family, protocol, address and port; their servers by address and port. */
export function sortServices(services: readonly ListService[]): readonly ListService[] {
  return services
    .map((service) => ({
      ...service,
      servers: service.servers.toSorted((a, b) => compareEndpoints(a.endpoint, b.endpoint)),
    }))
    .toSorted(compareServices);
}

/** `address:port` or `address:first-last`; undefined if it is neither. */
function parseListen(
  text: string,
): { readonly endpoint: Endpoint; readonly portLast: number | undefined } | undefined {
  const [first, last, ...rest] = text.split(/-(?=\d+$)/);
  const endpoint = rest.length === 0 ? parseEndpoint(first!) : undefined;
  if (endpoint === undefined) return undefined;
  return { endpoint, portLast: last === undefined ? undefined : Number(last) };
}

/** Where a service is in the table. */
type ListPlace = Pick<ListService, "protocol" | "endpoint" | "portLast" | "mark">;

/** Addresses that stand for a family. */
const anyAddress = { 4: "0.0.0.0", 6: "::" } as const;

/** A firewall mark is in the table once for each family that it has servers of. */
function marksOf(mark: number, servers: readonly ListServer[]): readonly ListPlace[] {
  const families = new Set(servers.map(({ endpoint }) => familyOf(endpoint.address)));
  if (families.size === 0) families.add(4);
  return [...families].map((family) => {
    return { protocol: "FWM", mark, endpoint: { address: anyAddress[family], port: 0 } };
  });
}

/** IPVS has no ranges: there a range is a service for each of its ports. */
function placesOf(service: ServiceSnapshot, servers: readonly ListServer[]): readonly ListPlace[] {
  const { firewallMark, listen, engine } = service;
  if (firewallMark !== undefined) return marksOf(firewallMark, servers);
  const protocol = service.protocol === "tcp" ? "TCP" : "UDP";
  return listen.flatMap((text): readonly ListPlace[] => {
    const place = parseListen(text);
    if (place === undefined) return [];
    const { endpoint, portLast } = place;
    if (portLast === undefined || engine !== "ipvs") return [{ protocol, ...place }];
    return Array.from({ length: portLast - endpoint.port + 1 }, (_, index) => {
      return { protocol, endpoint: { ...endpoint, port: endpoint.port + index } };
    });
  });
}

/** Servers as IPVS has them at one place: those of its family, and what cannot change the port. */
function serversAt(
  { forwarding, engine }: ServiceSnapshot,
  { protocol, endpoint }: ListPlace,
  servers: readonly ListServer[],
): readonly ListServer[] {
  if (engine !== "ipvs") return servers;
  const family = familyOf(endpoint.address);
  const isReached = (server: ListServer): boolean =>
    forwarding === "ipip" || familyOf(server.endpoint.address) === family;
  const found = servers.filter(isReached);
  if (protocol === "FWM" || forwarding === "masq") return found;
  return found.map((server) => {
    return { ...server, endpoint: { ...server.endpoint, port: endpoint.port } };
  });
}

/** One table entry for each place of the service; counters are the service's. */
function servicesOf(service: ServiceSnapshot): readonly ListService[] {
  const { persistentTimeoutMs, persistenceMask } = service;
  const servers = [
    ...service.realServers.map((server) => serverOf(service, server)),
    fallbackOf(service),
  ].filter((server) => server !== undefined);
  const isMaskIpv6 = service.listen[0]?.startsWith("[") === true;
  return placesOf(service, servers).map((place) => {
    const isIpv6 = place.endpoint.address.includes(":");
    return {
      ...place,
      scheduler: service.scheduler,
      schedulerFlags: service.schedulerFlags ?? [],
      persistentSeconds:
        persistentTimeoutMs === null ? undefined : Math.round(persistentTimeoutMs / 1000),
      maskBits: persistenceMask === null || isIpv6 !== isMaskIpv6 ? undefined : persistenceMask,
      onePacket: service.onePacket,
      stats: statsOf(service),
      rates: ratesOf(service.rates),
      servers: serversAt(service, place, servers),
    };
  });
}

/** What a director serves: on the backup, services of its virtual routers are not in the table. */
export function servedServices(services: readonly ServiceSnapshot[]): readonly ServiceSnapshot[] {
  return services.filter(({ owner }) => owner?.active !== false);
}

/** The table of a director, in the order of its configuration. */
export function listServices({ services }: Pick<Snapshot, "services">): readonly ListService[] {
  return services.flatMap(servicesOf);
}

/** The entries of one service; none if there is no such service. */
export function selectService(
  services: readonly ListService[],
  selection: ListSelection,
): readonly ListService[] {
  return services.filter((service) => {
    if (service.protocol !== selection.protocol) return false;
    if (selection.protocol === "FWM") return service.mark === selection.mark;
    const { endpoint } = selection;
    const { address, port } = service.endpoint;
    const isPort = endpoint.port >= port && endpoint.port <= (service.portLast ?? port);
    return address === endpoint.address && isPort;
  });
}
