/**
 * The part of the kernel's table that services ask for: a service of IPVS for each port that one
 * listens at, or for its firewall mark, with the destinations that belong there. Pure.
 *
 * What IPVS does with a port: `masq` translates it; `gate` and `ipip` cannot, so a destination has
 * the port of its service, as ipvsadm(8) sets it; behind a firewall mark, and behind port 0, a
 * destination of port 0 keeps the port of each packet.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService, SchedulerFlag } from "../../model/index.ts";
import { familyOf, formatEndpoint } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { plainTunnel } from "../../netlink/generic/index.ts";
import type {
  IpvsDestinationKey,
  IpvsDestinationSettings,
  IpvsMethod,
  IpvsServiceKey,
  IpvsServiceSettings,
} from "../../netlink/generic/index.ts";
import type { ServerCounters } from "../engine.ts";

/** A real server that the kernel is to have. */
export interface WantedDestination {
  readonly key: IpvsDestinationKey;
  readonly settings: IpvsDestinationSettings;
  /** False: a server of the service that the kernel is not to have now; only counted. */
  readonly isPresent: boolean;
  /** Who it is for the director. */
  readonly server: Pick<ServerCounters, "key" | "role">;
}

/** A service that the kernel is to have. */
export interface WantedService {
  readonly key: IpvsServiceKey;
  readonly settings: IpvsServiceSettings;
  readonly destinations: readonly WantedDestination[];
  /** Name of the virtual service that it is a part of. */
  readonly owner: string;
}

/**
 * Weights that a service had in the kernel before this start, by `address:port`, each by
 * {@link serviceId}: what a former director had found out holds until the first check has ended.
 */
export type FormerWeights = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What the kernel's table depends on beside the services. */
export interface TableFacts {
  readonly isLocal: IsLocal;
  readonly formerWeights?: FormerWeights;
}

/** True for an address of this host. */
export type IsLocal = (address: string) => boolean;

/** Text by which a service of the kernel is known: `tcp 192.0.2.1:80`, `fwmark 1 IPv4`. */
export function serviceId(key: IpvsServiceKey): string {
  return key.type === "fwmark"
    ? `fwmark ${key.mark} IPv${key.family}`
    : `${key.protocol} ${formatEndpoint(key)}`;
}

/** Flags of the kernel by the names of ipvsadm(8). */
const flagNumbers: Readonly<Record<SchedulerFlag, 1 | 2>> = {
  "sh-fallback": 1,
  "sh-port": 2,
  "mh-fallback": 1,
  "mh-port": 2,
};

function settingsOf(service: ForwardingService, family: Family): IpvsServiceSettings {
  const { scheduler, schedulerFlags = [], persistence, onePacket } = service;
  const wholeBits = family === 4 ? 32 : 128;
  const bits = family === 4 ? persistence?.ipv4PrefixBits : persistence?.ipv6PrefixBits;
  return {
    scheduler,
    persistentSeconds:
      persistence === undefined ? undefined : Math.max(1, Math.round(persistence.timeoutMs / 1000)),
    persistentBits: bits ?? wholeBits,
    isOnePacket: onePacket,
    schedulerFlags: [...new Set(schedulerFlags.map((flag) => flagNumbers[flag]))].toSorted(
      (a, b) => a - b,
    ),
    persistenceEngine: undefined,
  };
}

/** Services of the kernel that one virtual service needs. */
function keysOf(service: ForwardingService): readonly IpvsServiceKey[] {
  const { listen, firewallMark: mark, protocol, servers } = service;
  if (mark !== undefined) {
    const families = new Set(servers.map(({ address }) => familyOf(address)));
    // Without any server there still is somebody to refuse its clients.
    if (families.size === 0) families.add(4);
    return [...families].map((family) => ({ type: "fwmark", family, mark }));
  }
  return listen.flatMap(({ address, portFirst, portLast }) =>
    Array.from({ length: portLast - portFirst + 1 }, (_, index) => ({
      type: "address" as const,
      family: familyOf(address),
      protocol,
      address,
      port: portFirst + index,
    })),
  );
}

/** Number of services of the kernel that one virtual service needs; cheap also for all ports. */
export function countKeys({
  listen,
  firewallMark,
}: Pick<ForwardingService, "listen" | "firewallMark">): number {
  if (firewallMark !== undefined) return 1;
  return listen.reduce((sum, { portFirst, portLast }) => sum + portLast - portFirst + 1, 0);
}

/** Port of a destination: see the module's head. */
function portOf(service: IpvsServiceKey, { forwarding }: ForwardingService, port: number): number {
  const isKept = service.type === "address" && forwarding !== "masq";
  return isKept ? service.port : port;
}

/**
 * What is addressed to this host itself is delivered here, to the virtual address: so the port
 * must be the same. `masq` to another port is translated instead.
 */
function methodOf(
  { forwarding }: ForwardingService,
  service: IpvsServiceKey,
  { port, isLocal }: { readonly port: number; readonly isLocal: boolean },
): IpvsMethod {
  const isSame = service.type === "fwmark" || port === 0 || port === service.port;
  if (isSame && isLocal) return "local";
  return forwarding === "gate" || forwarding === "ipip" ? forwarding : "masq";
}

/**
 * True if the kernel is to have a server: one that is ended has no place there, as with
 * expire_nodest_conn the connections of a destination that is gone end with their next packet.
 */
function isInTable({ role, state, weight, isListed }: ForwardingServer, resets: boolean): boolean {
  if (role === "fallback") return weight > 0;
  if (state === "reset" || (state === "down" && resets)) return false;
  return isListed !== false;
}

/** A server as a destination of one service. */
function destinationOf(
  key: IpvsServiceKey,
  service: ForwardingService,
  { server, facts }: { readonly server: ForwardingServer; readonly facts: TableFacts },
): WantedDestination {
  const { address, upperThreshold, lowerThreshold, state, role } = server;
  const port = portOf(key, service, server.port);
  const place = { address, port };
  const former = facts.formerWeights?.get(serviceId(key))?.get(formatEndpoint(place));
  const formerWeight = server.isUnchecked === true ? former : undefined;
  return {
    key: place,
    settings: {
      method: methodOf(service, key, { port, isLocal: facts.isLocal(address) }),
      weight: formerWeight ?? (state === "active" ? server.weight : 0),
      upperThreshold,
      lowerThreshold,
      tunnel: plainTunnel,
    },
    isPresent: formerWeight !== undefined || isInTable(server, service.onDown === "reset"),
    server: { key: server.key, role },
  };
}

/** Only a tunnel leads from one family to the other. */
function isReached(key: IpvsServiceKey, { forwarding }: ForwardingService, address: string) {
  return forwarding === "ipip" || familyOf(address) === key.family;
}

function destinationsOf(
  key: IpvsServiceKey,
  service: ForwardingService,
  facts: TableFacts,
): readonly WantedDestination[] {
  const present = new Map<string, WantedDestination>();
  const absent: WantedDestination[] = [];
  for (const server of service.servers) {
    if (!isReached(key, service, server.address)) continue;
    const wanted = destinationOf(key, service, { server, facts });
    const id = formatEndpoint(wanted.key);
    // The fallback may be one of the real servers: the kernel has it once, as the one that serves.
    const other = present.get(id);
    if (!wanted.isPresent || (other !== undefined && other.settings.weight > 0)) {
      absent.push({ ...wanted, isPresent: false });
      continue;
    }
    if (other !== undefined) absent.push({ ...other, isPresent: false });
    present.set(id, wanted);
  }
  return [...present.values(), ...absent];
}

/** The kernel's table for these services; their names and keys are unique. */
export function wantedTable(
  services: readonly ForwardingService[],
  facts: TableFacts,
): readonly WantedService[] {
  return services.flatMap((service) =>
    keysOf(service).map((key) => ({
      key,
      settings: settingsOf(service, key.family),
      destinations: destinationsOf(key, service, facts),
      owner: service.name,
    })),
  );
}
