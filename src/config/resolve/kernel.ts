/**
 * What holds for services that the kernel carries: which keys go together, whatever this machine
 * can do. Who validates may be another host than who runs.
 *
 * @module
 */

import type { ForwardingMethod, VirtualService } from "../../model/index.ts";
import { canonicalAddress, familyOf } from "../../net/address.ts";
import { serviceDefaults } from "../defaults.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import type { Report } from "../report.ts";
import type { DefaultsTable, ServiceTable } from "../schema/index.ts";
import type { Sourced } from "../section.ts";

/** Keys that only the proxy has an answer to. */
const proxyKeys = ["send_proxy", "accept_proxy_from", "source"] as const;

/** Checks the keys of one service against each other. */
export function checkKernelKeys(
  { value, place }: Sourced<ServiceTable>,
  defaults: DefaultsTable | undefined,
  report: Report,
): void {
  const { forwarding = serviceDefaults.forwarding, fwmark, mtu } = value;
  const isProxy = forwarding === "proxy";
  if (isProxy) {
    if (fwmark !== undefined) refuseProxy(below(place, "fwmark"), "fwmark", report);
    if (mtu !== undefined) refuseProxy(below(place, "mtu"), "mtu", report);
  }
  checkAnyPort({ value, place }, isProxy, report);
  if (forwarding === "gate" || forwarding === "ipip") {
    refuseProxyKeys({ value, place }, forwarding, report);
  }
  checkFlags({ value, place }, defaults, report);
}

/** Port 0 is the kernel's, and asks for persistence. */
function checkAnyPort(
  { value, place }: Sourced<ServiceTable>,
  isProxy: boolean,
  report: Report,
): void {
  for (const [index, { portFirst }] of (value.listen ?? []).entries()) {
    if (portFirst !== 0) continue;
    const at = below(place, "listen", index);
    if (isProxy) refuseProxy(at, "port 0, all ports", report);
    else if (value.persistent === undefined) {
      const expected = 'the key "persistent" beside port 0, all ports';
      report.problem(at, { expected, foundText: "none" });
    }
  }
}

function refuseProxy(place: Place, what: string, report: Report): void {
  const expected = `forwarding "masq", "gate" or "ipip" beside ${what}`;
  report.problem(place, { expected, foundText: 'forwarding "proxy"' });
}

function refuseProxyKeys(
  { value, place }: Sourced<ServiceTable>,
  forwarding: ForwardingMethod,
  report: Report,
): void {
  for (const key of proxyKeys) {
    const found = value[key];
    const isOff = found === undefined || found === "off" || found.length === 0;
    if (isOff) continue;
    const expected = `no ${key} beside forwarding "${forwarding}"`;
    report.problem(below(place, key), { expected, found });
  }
}

/** A flag belongs to one scheduler, whose name it begins with. */
function checkFlags(
  { value, place }: Sourced<ServiceTable>,
  defaults: DefaultsTable | undefined,
  report: Report,
): void {
  const scheduler = value.scheduler ?? defaults?.scheduler ?? serviceDefaults.scheduler;
  for (const [index, flag] of (value.scheduler_flags ?? []).entries()) {
    if (flag.startsWith(`${scheduler}-`)) continue;
    const expected = `flags of the scheduler "${scheduler}"`;
    report.problem(below(place, "scheduler_flags", index), { expected, found: flag });
  }
}

/** Only a tunnel leads to a real server of the other family. */
export function checkKernelFamilies(
  { place }: Sourced<ServiceTable>,
  { forwarding, listen, realServers, fallback }: VirtualService,
  report: Report,
): void {
  if (forwarding !== "gate" || listen.length === 0) return;
  const families = new Set(listen.map(({ address }) => familyOf(address)));
  const servers = [...realServers, ...(fallback === undefined ? [] : [fallback])];
  for (const { host } of servers) {
    // The family of a name is not known before it is resolved.
    if (canonicalAddress(host) === undefined || families.has(familyOf(host))) continue;
    const expected = `an address of IPv${familyOf(host)} to listen at, for the server ${host}`;
    report.problem(below(place, "listen"), { expected, foundText: "none" });
    return;
  }
}
