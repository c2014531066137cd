/**
 * What the bpf engine cannot carry. Pure.
 *
 * @module
 */

import type { ForwardingService } from "../../model/index.ts";
import { familyOf } from "../../net/address.ts";
import { hasSlotTable } from "./slot-table.ts";

type Rule = readonly [isBroken: (service: ForwardingService) => boolean, text: string];

function isSix(service: ForwardingService): boolean {
  return service.listen.some(({ address }) => familyOf(address) === 6);
}

/** Canonical addresses that never come in through a device. */
function isLoopback({ address }: { readonly address: string }): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** In the order in which they are told. */
const rules: readonly Rule[] = [
  [({ forwarding }) => forwarding === "proxy", 'forwarding "proxy" is the proxy\'s'],
  [({ forwarding }) => forwarding === "ipip", "the bpf engine has no ipip"],
  [({ firewallMark }) => firewallMark !== undefined, "the bpf engine has no firewall marks"],
  [({ listen }) => listen.length === 0, "it listens nowhere"],
  [({ listen }) => listen.some(isLoopback), "the bpf engine does not see the loopback network"],
  [
    ({ forwarding, servers }) => forwarding === "masq" && servers.some(isLoopback),
    "the bpf engine has no masq to this host itself",
  ],
  [
    ({ listen }) => listen.some(({ portFirst, portLast }) => portFirst !== portLast || !portFirst),
    "the bpf engine has no port ranges",
  ],
  [
    ({ scheduler }) => !hasSlotTable(scheduler),
    "the bpf engine has rr, wrr, lc, wlc, sed, nq, sh and mh",
  ],
  [({ schedulerFlags }) => (schedulerFlags?.length ?? 0) > 0, "the bpf engine has no sched flags"],
  [({ connectionLimit }) => connectionLimit > 0, "the bpf engine has no connection_limit"],
  [({ allow, deny }) => allow.length + deny.length > 0, "the bpf engine has no allow and deny"],
  [
    ({ sendProxy, acceptProxyFrom, source }) =>
      sendProxy !== "off" || acceptProxyFrom.length + source.length > 0,
    "send_proxy, accept_proxy_from and source are the proxy's",
  ],
  [({ onePacket }) => onePacket, "the bpf engine has no one-packet scheduling"],
  [
    ({ servers }) => servers.some(({ upperThreshold }) => upperThreshold > 0),
    "the bpf engine has no thresholds",
  ],
  [
    (service) => service.forwarding === "masq" && isSix(service),
    "the bpf engine has masq for IPv4 only",
  ],
  [
    ({ listen, servers }) =>
      new Set([...listen, ...servers].map(({ address }) => familyOf(address))).size > 1,
    "the bpf engine cannot forward from one address family to the other",
  ],
  [
    ({ forwarding, listen, servers }) =>
      forwarding === "gate" &&
      servers.some(({ port }) => listen.some(({ portFirst }) => portFirst !== port)),
    "gate cannot change the port",
  ],
];

/** Why the engine cannot carry a service; undefined: it can. */
export function bpfRefusal(service: ForwardingService): string | undefined {
  return rules.find(([isBroken]) => isBroken(service))?.[1];
}
