/**
 * What IPVS cannot do for a service, in the words of its configuration. Pure.
 *
 * @module
 */

import type { ForwardingService } from "../../model/index.ts";
import { isUnspecified } from "../../net/address.ts";
import { countKeys } from "./table.ts";

/**
 * Services of the kernel for the ports of one virtual service: each is read every few seconds. Who
 * needs more has port 0 or a firewall mark for it.
 */
export const portsMax = 1000;

/** What of a service decides whether IPVS can carry it. */
export type IpvsWish = Pick<
  ForwardingService,
  | "forwarding"
  | "protocol"
  | "listen"
  | "firewallMark"
  | "persistence"
  | "onePacket"
  | "allow"
  | "deny"
  | "connectionLimit"
  | "sendProxy"
  | "acceptProxyFrom"
  | "source"
  | "mtu"
>;

/** Keys of a service that only other engines have an answer to. */
function proxyKeys(service: IpvsWish): readonly string[] {
  const { allow, deny, connectionLimit, sendProxy, acceptProxyFrom, source, mtu } = service;
  const used: readonly (readonly [key: string, isUsed: boolean])[] = [
    ["allow", allow.length > 0],
    ["deny", deny.length > 0],
    ["connection_limit", connectionLimit > 0],
    ["send_proxy", sendProxy !== "off"],
    ["accept_proxy_from", acceptProxyFrom.length > 0],
    ["source", source.length > 0],
    ["mtu", mtu !== undefined],
  ];
  return used.filter(([, isUsed]) => isUsed).map(([key]) => key);
}

/** Why the keys of a service do not fit together in IPVS; undefined: they do. */
function conflictOf(service: IpvsWish): string | undefined {
  const { forwarding, persistence, listen, firewallMark, onePacket, protocol } = service;
  if (listen.some(({ portFirst }) => portFirst === 0) && persistence === undefined) {
    return "IPVS has port 0 for persistent services only";
  }
  if (!onePacket) return undefined;
  if (protocol !== "udp" && firewallMark === undefined) return "one-packet scheduling is for UDP";
  return forwarding === "masq"
    ? "IPVS cannot translate the answers of one-packet scheduling"
    : undefined;
}

/** Why IPVS cannot carry a service; undefined: it can. */
export function ipvsRefusal(service: IpvsWish): string | undefined {
  const { forwarding, listen, firewallMark } = service;
  if (forwarding === "proxy") return 'forwarding "proxy" is the proxy\'s';
  const keys = proxyKeys(service);
  if (keys.length > 0) return `IPVS has no ${keys.join(", ")}`;
  const count = countKeys(service);
  if (count > portsMax) {
    return `IPVS would need ${count} services for its ports, at most ${portsMax} are made`;
  }
  if (listen.length === 0 && firewallMark === undefined) return "it listens nowhere";
  if (listen.some(({ address }) => isUnspecified(address))) {
    return "the kernel's engines need a virtual address, not all of this host's";
  }
  return conflictOf(service);
}
