/**
 * One `[[virtual_service]]` to a `VirtualService`: defaults filled in, parts of it compared.
 *
 * @module
 */

import { schedulerFlags } from "../../model/index.ts";
import type {
  ListenAddress,
  Persistence,
  ProxyTimeouts,
  RealServer,
  SchedulerFlag,
  VirtualService,
} from "../../model/index.ts";
import { canonicalAddress, familyOf } from "../../net/address.ts";
import {
  persistenceMaskDefault,
  serviceDefaults,
  timeoutDefaults,
  withDefaults,
} from "../defaults.ts";
import { below } from "../document.ts";
import type { DefaultsTable, ServiceTable } from "../schema/index.ts";
import { isSound } from "../section.ts";
import type { ServerSection, Sourced, SourcedTable } from "../section.ts";
import { createLevel, resolveCheck } from "./check.ts";
import type { CheckLevel } from "./check.ts";
import { checkKernelFamilies, checkKernelKeys } from "./kernel.ts";
import { resolveServiceMail } from "./mail.ts";
import { resolveAddress, resolveServers } from "./server.ts";
import type { Shared } from "./server.ts";
import { checkVipChecks } from "./vip-check.ts";

/** What one service is resolved with. */
export interface ServiceOptions {
  readonly defaults: SourcedTable<DefaultsTable> | undefined;
  readonly shared: Shared;
}

/**
 * Resolves a service. The result is of use only if the report has no problem.
 *
 * What is compared must be sound: a key with a fault is not the same as a key left out.
 */
export function resolveService(
  service: ServerSection<ServiceTable>,
  { defaults, shared }: ServiceOptions,
): VirtualService {
  const { value } = service;
  const sound = (...keys: readonly (keyof ServiceTable)[]): boolean => isSound(service, ...keys);
  if (sound("listen", "fwmark", "forwarding", "scheduler", "scheduler_flags", "mtu")) {
    checkKernelKeys(service, defaults?.value, shared.report);
  }
  const listen = sound("listen", "fwmark") ? resolveListen(service, shared) : (value.listen ?? []);
  const persists = sound("listen", "persistent", "persistence_mask");
  const resolved: VirtualService = {
    ...withDefaults(serviceDefaults, settingsOf({ ...defaults?.value, ...value })),
    name: value.name,
    routers: value.vrrp,
    listen,
    firewallMark: value.fwmark,
    schedulerFlags: value.scheduler_flags && inOrder(value.scheduler_flags),
    persistence: persists ? resolvePersistence(service, listen, shared) : undefined,
    ...resolveServing(service, listen, { defaults, shared }),
    quorumUp: value.quorum_up,
    quorumDown: value.quorum_down,
    onServiceUp: value.on_service_up,
    onServiceDown: value.on_service_down,
    fallbackCommand: value.fallback_command,
    monitorFile: value.monitor_file,
    mail: resolveServiceMail(value.mail),
    timeouts: resolveTimeouts(value, defaults?.value),
    mtu: value.mtu,
  };
  if (sound("protocol")) checkProtocol(service, shared);
  if (sound("real_servers", "real_server_groups", "fallback")) {
    checkServing(service, resolved, shared);
    checkSource(service, resolved, shared);
    if (sound("listen", "forwarding")) checkWay(service, resolved, shared);
  }
  return resolved;
}

/** How packets come to the real servers, where the kernel carries the service. */
function checkWay(
  service: ServerSection<ServiceTable>,
  resolved: VirtualService,
  { report }: Shared,
): void {
  checkKernelFamilies(service, resolved, report);
  if (isSound(service, "protocol", "engine")) checkVipChecks(service, resolved, report);
}

/** Each flag once, in the order in which ipvsadm(8) shows them. */
function inOrder(flags: readonly SchedulerFlag[]): readonly SchedulerFlag[] | undefined {
  const found = schedulerFlags.filter((flag) => flags.includes(flag));
  return found.length === 0 ? undefined : found;
}

/** Settings that only change their name. */
function settingsOf(table: ServiceTable) {
  return {
    protocol: table.protocol,
    forwarding: table.forwarding,
    engine: table.engine,
    scheduler: table.scheduler,
    quiescent: table.quiescent,
    quorum: table.quorum,
    onDown: table.on_down,
    connectionLimit: table.connection_limit,
    allow: table.allow,
    deny: table.deny,
    sendProxy: table.send_proxy,
    acceptProxyFrom: table.accept_proxy_from,
    source: table.source,
    onePacket: table.one_packet,
    connectionLog: table.connection_log,
  };
}

/** Real servers and fallback; without them if a key they depend on has a fault. */
function resolveServing(
  service: ServerSection<ServiceTable>,
  listen: readonly ListenAddress[],
  { defaults, shared }: ServiceOptions,
): Pick<VirtualService, "realServers" | "fallback"> {
  const isChecked = isSound(service, "check") && (!defaults || isSound(defaults, "check"));
  const level = isChecked ? checkLevel(service, defaults, shared) : undefined;
  const check = level && resolveCheck(level, shared);
  if (!isSound(service, "listen", "fwmark", "forwarding")) {
    return { realServers: [], fallback: undefined };
  }
  const { fallback } = service.value;
  const place = below(service.place, "fallback");
  return {
    realServers: level && check ? resolveServers({ service, listen, level, check, shared }) : [],
    fallback: fallback && resolveAddress(fallback, place, { service, listen, shared }),
  };
}

function resolveListen(
  { value, place }: Sourced<ServiceTable>,
  { report }: Shared,
): readonly ListenAddress[] {
  const { listen, fwmark } = value;
  if (listen === undefined && fwmark === undefined) {
    report.problem(place, { expected: 'the key "listen"' });
  } else if (listen !== undefined && fwmark !== undefined) {
    report.problem(below(place, "fwmark"), {
      expected: "listen or fwmark, not both",
      foundText: "both",
    });
  }
  return listen ?? [];
}

function checkLevel(
  { value, place }: Sourced<ServiceTable>,
  defaults: Sourced<DefaultsTable> | undefined,
  { report }: Shared,
): CheckLevel {
  const outer = defaults?.value.check && {
    value: defaults.value.check,
    place: below(defaults.place, "check"),
  };
  const own = { value: value.check ?? {}, place: below(place, "check") };
  return createLevel(own, outer && createLevel(outer, undefined, report), report);
}

function resolveTimeouts(
  service: ServiceTable,
  defaults: DefaultsTable | undefined,
): ProxyTimeouts {
  const both = { ...defaults?.timeouts, ...service.timeouts };
  return withDefaults(timeoutDefaults, {
    connectMs: both.connect,
    idleMs: both.idle,
    halfClosedMs: both.half_closed,
    udpIdleMs: both.udp_idle,
    keepaliveMs: both.keepalive,
    userTimeoutMs: both.user_timeout,
  });
}

function resolvePersistence(
  { value, place }: Sourced<ServiceTable>,
  listen: readonly ListenAddress[],
  { report }: Shared,
): Persistence | undefined {
  const { persistent: timeoutMs, persistence_mask: mask } = value;
  const maskPlace = below(place, "persistence_mask");
  if (timeoutMs === undefined) {
    if (mask !== undefined) {
      const expected = 'the key "persistent" beside persistence_mask';
      report.problem(maskPlace, { expected, foundText: "none" });
    }
    return undefined;
  }
  let { ipv4, ipv6 }: { ipv4: number; ipv6: number } = persistenceMaskDefault;
  if (typeof mask === "number") {
    const families = new Set(listen.map(({ address }) => familyOf(address)));
    if (families.size === 2) {
      const expected = "{ ipv4 = 24, ipv6 = 64 }, as the service listens on both";
      report.problem(maskPlace, { expected, found: mask });
    } else if (families.has(6)) ipv6 = mask;
    else if (mask > 32) {
      report.problem(maskPlace, { expected: "a prefix length 1..32 for IPv4", found: mask });
    } else ipv4 = mask;
  } else if (mask !== undefined) {
    ipv4 = mask.ipv4 ?? ipv4;
    ipv6 = mask.ipv6 ?? ipv6;
  }
  return { timeoutMs, ipv4PrefixBits: ipv4, ipv6PrefixBits: ipv6 };
}

/** What only one of TCP and UDP can do. */
function checkProtocol({ value, place }: Sourced<ServiceTable>, { report }: Shared): void {
  const { protocol = serviceDefaults.protocol } = value;
  const refuse = (key: keyof ServiceTable, wanted: string): void => {
    const expected = `protocol "${wanted}" beside ${key}`;
    report.problem(below(place, key), { expected, foundText: `protocol "${protocol}"` });
  };
  if (protocol === "tcp") {
    if (value.one_packet === true) refuse("one_packet", "udp");
    return;
  }
  // The PROXY protocol starts a stream: a datagram has no beginning to put it before.
  if ((value.accept_proxy_from ?? []).length > 0) refuse("accept_proxy_from", "tcp");
  if (value.send_proxy !== undefined && value.send_proxy !== "off") refuse("send_proxy", "tcp");
}

/** Is there anybody to serve, and can the quorum be reached? */
function checkServing(
  { value, place }: Sourced<ServiceTable>,
  { realServers, quorum }: VirtualService,
  { report }: Shared,
): void {
  const isListed = (value.real_servers ?? []).length > 0;
  const isGrouped = (value.real_server_groups ?? []).length > 0;
  if (!isListed && !isGrouped && value.fallback === undefined) {
    const expected = "at least one server in real_servers, real_server_groups or fallback";
    report.problem(below(place, "real_servers"), { expected, foundText: "none" });
  }
  const weightSum = realServers.reduce((sum, { weight }) => sum + weight, 0);
  if (value.quorum !== undefined && realServers.length > 0 && weightSum < quorum) {
    report.warn(
      below(place, "quorum"),
      `A quorum of ${quorum} is out of reach: the weights of all real servers add up to ` +
        String(weightSum),
    );
  }
}

/** Connecting to IPv6 from an IPv4 address fails each time; so it is told now. */
function checkSource(
  { place }: Sourced<ServiceTable>,
  { source, realServers, fallback }: VirtualService,
  { report }: Shared,
): void {
  if (source.length === 0) return;
  const families = new Set(source.map(familyOf));
  const servers: readonly Pick<RealServer, "host">[] = fallback
    ? [...realServers, fallback]
    : realServers;
  for (const { host } of servers) {
    // The family of a name is not known before it is resolved.
    if (canonicalAddress(host) === undefined || families.has(familyOf(host))) continue;
    const expected = `a source address of IPv${familyOf(host)} for the server ${host}`;
    report.problem(below(place, "source"), {
      expected,
      foundText: `IPv${[...families].join("")} only`,
    });
    return;
  }
}
