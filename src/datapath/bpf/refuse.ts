/**
 * What the bpf engine cannot carry. Pure.
 *
 * @module
 */

import type { ForwardingService, ListenAddress } from "../../model/index.ts";
import { familyOf, isUnspecified } from "../../net/address.ts";
import { hasSlotTable } from "./slot-table.ts";

type Rule = readonly [isBroken: (service: ForwardingService) => boolean, text: string];

/** Canonical addresses that never come in through a device. */
function isLoopback({ address }: { readonly address: string }): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** In the order in which they are told. */
const rules: readonly Rule[] = [
  [({ forwarding }) => forwarding === "proxy", 'forwarding "proxy" is the proxy\'s'],
  [({ firewallMark }) => firewallMark !== undefined, "the bpf engine has no firewall marks"],
  [({ listen }) => listen.length === 0, "it listens nowhere"],
  [
    ({ listen }) => listen.some(({ address }) => isUnspecified(address)),
    "the kernel's engines need a virtual address, not all of this host's",
  ],
  [({ listen }) => listen.some(isLoopback), "the bpf engine does not see the loopback network"],
  [
    ({ forwarding, servers }) => forwarding === "masq" && servers.some(isLoopback),
    "the bpf engine has no masq to this host itself",
  ],
  [
    ({ scheduler }) => !hasSlotTable(scheduler),
    "the bpf engine has rr, wrr, lc, wlc, sed, nq, sh and mh",
  ],
  [({ schedulerFlags }) => (schedulerFlags?.length ?? 0) > 0, "the bpf engine has no sched flags"],
  [
    ({ sendProxy, acceptProxyFrom, source }) =>
      sendProxy !== "off" || acceptProxyFrom.length + source.length > 0,
    "send_proxy, accept_proxy_from and source are the proxy's",
  ],
  [
    ({ onePacket, forwarding }) => onePacket && forwarding === "masq",
    "the bpf engine has one-packet scheduling for gate and ipip only: masq has to know answers",
  ],
  [
    ({ listen, servers, forwarding }) => {
      const addresses = forwarding === "ipip" ? listen : [...listen, ...servers];
      return new Set(addresses.map(({ address }) => familyOf(address))).size > 1;
    },
    "the bpf engine cannot forward from one address family to the other",
  ],
  [
    ({ forwarding, listen, servers }) =>
      forwarding !== "masq" &&
      servers.some(({ port }) => listen.some((one) => isOtherPort(one, port))),
    "gate and ipip cannot change the port",
  ],
];

/** True if one port is listened on, and it is another. */
function isOtherPort({ portFirst, portLast }: ListenAddress, port: number): boolean {
  return portFirst === portLast && portFirst !== port;
}

/** Why the engine cannot carry a service; undefined: it can. */
export function bpfRefusal(service: ForwardingService): string | undefined {
  return rules.find(([isBroken]) => isBroken(service))?.[1];
}
