/**
 * What a check of `type = "vip"` asks of its service: packets of clients must come to the real
 * server with a virtual address that is known, over TCP, and through a network.
 *
 * @module
 */

import type { RealServer, VirtualService } from "../../model/index.ts";
import { canonicalAddress, familyOf } from "../../net/address.ts";
import { below } from "../document.ts";
import type { Report } from "../report.ts";
import type { ServiceTable } from "../schema/index.ts";
import type { Sourced } from "../section.ts";

/** Checks one service with its real servers. */
export function checkVipChecks(
  { place }: Sourced<ServiceTable>,
  service: VirtualService,
  report: Report,
): void {
  const asked = service.realServers.filter(({ check }) => check.type === "vip");
  if (asked.length === 0) return;
  const { forwarding, protocol, listen } = service;
  const beside = 'beside check type "vip"';
  if (forwarding === "proxy") {
    const expected = `forwarding "gate", "ipip" or "masq" ${beside}`;
    report.problem(below(place, "forwarding"), { expected, foundText: 'forwarding "proxy"' });
    return;
  }
  if (protocol !== "tcp") {
    const expected = `protocol "tcp" ${beside}`;
    report.problem(below(place, "protocol"), { expected, found: protocol });
    return;
  }
  if (forwarding !== "masq" && listen.length === 0) {
    const expected = `the key "listen" ${beside}, as the packets need a virtual address`;
    report.problem(place, { expected, foundText: "none" });
    return;
  }
  checkProxyKeys(service, { place, report });
  for (const server of asked) checkServer(server, service, { place, report });
}

/** masq with one of these runs on the proxy, whose connections are its own. */
function checkProxyKeys(
  { sendProxy, acceptProxyFrom, source }: VirtualService,
  { place, report }: Pick<Sourced<ServiceTable>, "place"> & { readonly report: Report },
): void {
  const keys = [
    ["send_proxy", sendProxy !== "off"],
    ["accept_proxy_from", acceptProxyFrom.length > 0],
    ["source", source.length > 0],
  ] as const;
  for (const [key, isSet] of keys) {
    if (!isSet) continue;
    const expected = `no ${key} beside check type "vip", as it needs the proxy`;
    report.problem(below(place, key), { expected, foundText: "one" });
  }
}

function checkServer(
  { host }: RealServer,
  { forwarding, listen }: VirtualService,
  { place, report }: Pick<Sourced<ServiceTable>, "place"> & { readonly report: Report },
): void {
  // A name is looked up later.
  if (canonicalAddress(host) === undefined) return;
  if (host === "::1" || host.startsWith("127.")) {
    const expected = 'another check than type "vip" for a real server on loopback';
    report.problem(below(place, "real_servers"), { expected, found: host });
  } else if (
    forwarding !== "masq" &&
    !listen.some(({ address }) => familyOf(address) === familyOf(host))
  ) {
    const family = familyOf(host);
    const expected = `an address of IPv${family} to listen at, or another check for ${host}`;
    report.problem(below(place, "listen"), { expected, foundText: "none" });
  }
}
