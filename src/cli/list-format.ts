/**
 * Text of `list`, byte for byte as `ipvsadm -L` prints it: widths, trailing blanks, titles.
 *
 * Source: the output of ipvsadm 1.31 (ipvsadm(8)); test/golden/list holds it. Pure.
 *
 * @module
 */

import type { Endpoint } from "../net/address.ts";
import { formatAddress, maskAddress } from "../net/address.ts";
import type { ConnectionSnapshot, IpvsSnapshot } from "../status/index.ts";
import type { ListServer, ListService, ListTraffic } from "./list-model.ts";

/** Which columns to show. */
export type ListMode = "standard" | "stats" | "rate" | "thresholds" | "persistent-conn";

/** How an endpoint is shown: numeric, or by name. */
export type NameEndpoint = (endpoint: Endpoint, protocol: "tcp" | "udp") => string;

/** How to show the table. */
export interface ListFormatOptions {
  readonly mode: ListMode;
  readonly nameOf: NameEndpoint;
  /** True: numbers in full, however large. */
  readonly isExact: boolean;
  /** False: without the line with the version, as for one service. */
  readonly hasHeader: boolean;
  /** The kernel's IPVS; undefined: it carries nothing. */
  readonly ipvs?: Pick<IpvsSnapshot, "version" | "connectionTableSize"> | undefined;
}

/** Longer names are cut, those with IPv6 addresses are not. */
const serviceNameWidth = 33;
const serverNameWidth = 28;

/** What stands for IPVS where there is none: parsers expect a version and a number. */
const noIpvs = { version: "1.2.1", connectionTableSize: 4096 } as const;
const serverTitle = "  -> RemoteAddress:Port";

/** Title of services, and what follows the title of servers. */
const titles: Readonly<Record<ListMode, readonly [service: string, server: string]>> = {
  standard: [
    "Prot LocalAddress:Port Scheduler Flags",
    "           Forward Weight ActiveConn InActConn",
  ],
  stats: ["Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes", ""],
  rate: ["Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS", ""],
  thresholds: ["Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ", ""],
  "persistent-conn": [
    "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ",
    "",
  ],
};

/** Below the first bound a number is shown in full; from each on, divided and with its letter. */
const largeNumbers: readonly (readonly [from: number, divisor: number, letter: string])[] = [
  [1e14, 1e12, "T"],
  [1e11, 1e9, "G"],
  [1e9, 1e6, "M"],
  [1e8, 1e3, "K"],
];

/** A number of `--stats` or `--rate`, right-aligned in 8 columns. */
export function formatLargeNumber(value: number, isExact: boolean): string {
  const whole = Math.trunc(value);
  const large = isExact ? undefined : largeNumbers.find(([from]) => whole >= from);
  if (large === undefined) return String(whole).padStart(8);
  const [, divisor, letter] = large;
  return `${Math.trunc(whole / divisor)}${letter}`.padStart(8);
}

function formatTraffic(traffic: ListTraffic, isExact: boolean): string {
  const { connections, packetsIn, packetsOut, bytesIn, bytesOut } = traffic;
  return [connections, packetsIn, packetsOut, bytesIn, bytesOut]
    .map((value) => ` ${formatLargeNumber(value, isExact)}`)
    .join("");
}

/** Dotted mask for IPv4, prefix length for IPv6; undefined if it covers the whole address. */
function formatMask({ endpoint, maskBits }: ListService): string | undefined {
  if (endpoint.address.includes(":")) {
    return maskBits === undefined || maskBits === 128 ? undefined : String(maskBits);
  }
  if (maskBits === undefined || maskBits === 32) return undefined;
  return formatAddress(maskAddress(new Uint8Array(4).fill(255), maskBits));
}

function isIpv6({ endpoint }: ListService): boolean {
  return endpoint.address.includes(":");
}

/** `TCP  address:port`, `FWM  mark` or `FWM  mark IPv6`. */
function serviceName(service: ListService, nameOf: NameEndpoint): string {
  if (service.protocol === "FWM") return `FWM  ${service.mark}${isIpv6(service) ? " IPv6" : ""}`;
  const name = nameOf(service.endpoint, service.protocol === "TCP" ? "tcp" : "udp");
  const range = service.portLast === undefined ? "" : `-${service.portLast}`;
  const text = `${service.protocol}  ${name}${range}`;
  return service.endpoint.address.includes(":") ? text : text.slice(0, serviceNameWidth);
}

/** Scheduler and flags, each with a blank before it. */
function formatFlags(service: ListService): string {
  const { scheduler, schedulerFlags, persistentSeconds, onePacket } = service;
  const mask = formatMask(service);
  return [
    scheduler,
    schedulerFlags.length === 0 ? undefined : `(${schedulerFlags.join(",")})`,
    persistentSeconds === undefined ? undefined : `persistent ${persistentSeconds}`,
    persistentSeconds === undefined || mask === undefined ? undefined : `mask ${mask}`,
    onePacket ? "ops" : undefined,
  ]
    .filter((part) => part !== undefined)
    .map((part) => ` ${part}`)
    .join("");
}

function formatService(service: ListService, options: ListFormatOptions): string {
  const name = serviceName(service, options.nameOf);
  switch (options.mode) {
    case "stats":
      return name.padEnd(serviceNameWidth) + formatTraffic(service.stats, options.isExact);
    case "rate":
      return name.padEnd(serviceNameWidth) + formatTraffic(service.rates, options.isExact);
    case "standard":
    case "thresholds":
    case "persistent-conn":
      return name + formatFlags(service);
  }
}

/** Numbers left-aligned in their columns, the last one padded too. */
function formatColumns(
  columns: readonly (readonly [value: number | string, width: number])[],
): string {
  return columns.map(([value, width]) => ` ${String(value).padEnd(width)}`).join("");
}

function serverColumns(server: ListServer, { mode, isExact }: ListFormatOptions): string {
  const connections = [
    [server.activeConnections, 10],
    [server.inactiveConnections, 10],
  ] as const;
  switch (mode) {
    case "stats":
      return formatTraffic(server.stats, isExact);
    case "rate":
      return formatTraffic(server.rates, isExact);
    case "standard":
      return formatColumns([[server.forward, 7], [server.weight, 6], ...connections]);
    case "thresholds":
      return formatColumns([
        [server.upperThreshold, 10],
        [server.lowerThreshold, 10],
        ...connections,
      ]);
    case "persistent-conn":
      return formatColumns([
        [server.weight, 9],
        [server.persistentConnections, 11],
        ...connections,
      ]);
  }
}

function serverName({ endpoint }: ListServer, service: ListService, nameOf: NameEndpoint): string {
  const name = nameOf(endpoint, service.protocol === "UDP" ? "udp" : "tcp");
  return endpoint.address.includes(":") ? name : name.slice(0, serverNameWidth);
}

function formatServer(
  server: ListServer,
  service: ListService,
  options: ListFormatOptions,
): string {
  const name = serverName(server, service, options.nameOf).padEnd(serverNameWidth);
  return `  -> ${name}${serverColumns(server, options)}`;
}

/** The table: `ipvsadm -L` with one of its modes. */
export function formatServices(
  services: readonly ListService[],
  options: ListFormatOptions,
): string {
  const [title, rest] = titles[options.mode];
  const { version, connectionTableSize } = options.ipvs ?? noIpvs;
  const header = `IP Virtual Server version ${version} (size=${connectionTableSize})`;
  const lines = options.hasHeader ? [header] : [];
  lines.push(title, `${serverTitle}${rest}`);
  for (const service of services) {
    lines.push(formatService(service, options));
    for (const server of service.servers) lines.push(formatServer(server, service, options));
  }
  return `${lines.join("\n")}\n`;
}

/** How `ipvsadm -S` names the forwarding methods. */
const forwardSwitches: Readonly<Record<ListServer["forward"], string>> = {
  Masq: "-m",
  Local: "-g",
  Route: "-g",
  Tunnel: "-i",
};

/** `-t address:port`, `-u address:port`, `-f mark` or `-f mark -6`. */
function serviceSwitch(service: ListService, nameOf: NameEndpoint): string {
  if (service.protocol === "FWM") return `-f ${service.mark}${isIpv6(service) ? " -6" : ""}`;
  const protocol = service.protocol === "TCP" ? "tcp" : "udp";
  const range = service.portLast === undefined ? "" : `-${service.portLast}`;
  return `-${protocol[0]} ${nameOf(service.endpoint, protocol)}${range}`;
}

/** The rules that make this table: `ipvsadm -S`. */
export function formatRules(services: readonly ListService[], nameOf: NameEndpoint): string {
  const lines: string[] = [];
  for (const service of services) {
    const { scheduler, schedulerFlags, persistentSeconds, onePacket, servers } = service;
    const name = serviceSwitch(service, nameOf);
    const mask = formatMask(service);
    const parts = [`-A ${name} -s ${scheduler}`];
    if (persistentSeconds !== undefined) {
      parts.push(`-p ${persistentSeconds}`);
      if (mask !== undefined) parts.push(`-M ${mask}`);
    }
    if (onePacket) parts.push("-o");
    if (schedulerFlags.length > 0) parts.push(`-b ${schedulerFlags.join(",")}`);
    lines.push(parts.join(" "));
    for (const server of servers) {
      const target = nameOf(server.endpoint, service.protocol === "UDP" ? "udp" : "tcp");
      const tunnel = server.forward === "Tunnel" ? " --tun-type ipip" : "";
      const how = `${forwardSwitches[server.forward]} -w ${server.weight}${tunnel}`;
      lines.push(`-a ${name} -r ${target} ${how}`);
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** One connection, or a template of persistence, with what is not in a snapshot. */
export interface ListConnection extends Pick<
  ConnectionSnapshot,
  "client" | "virtual" | "server" | "state" | "expiresMs"
> {
  /** `ip`: template of a firewall mark. */
  readonly protocol: "tcp" | "udp" | "ip";
}

/** `mm:ss`. */
function formatExpiry(expiresMs: number): string {
  const seconds = Math.max(0, Math.floor(expiresMs / 1000));
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}

/** `ipvsadm -L -c`. */
export function formatConnections(
  connections: readonly ListConnection[],
  nameOf: NameEndpoint,
): string {
  const lines = [
    "IPVS connection entries",
    "pro expire state       source             virtual            destination",
  ];
  for (const { protocol, client, virtual, server, state, expiresMs } of connections) {
    const named = protocol === "udp" ? "udp" : "tcp";
    const start = `${protocol.toUpperCase().padEnd(3)} ${formatExpiry(expiresMs).padEnd(6)}`;
    const source = nameOf(client, named).padEnd(18);
    const local = nameOf(virtual, named).padEnd(18);
    lines.push(`${start} ${state.padEnd(11)} ${source} ${local} ${nameOf(server, named)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** `ipvsadm -L --daemon`; an older kernel tells less. */
export function formatDaemons(daemons: IpvsSnapshot["daemons"]): string {
  return daemons
    .map(({ role, interfaceName, syncId, ...more }) => {
      const name = role === "active" ? "master" : "backup";
      const values: readonly (readonly [string, number | string | undefined])[] = [
        ["mcast", interfaceName],
        ["syncid", syncId],
        ["maxlen", more.payloadBytes],
        ["group", more.group],
        ["port", more.port],
        ["ttl", more.ttl],
      ];
      const known = values.filter(([, value]) => value !== undefined);
      return `${name} sync daemon (${known.map((pair) => pair.join("=")).join(", ")})\n`;
    })
    .join("");
}

/** `ipvsadm -L --timeout`; arguments in seconds. */
export function formatTimeouts(tcp: number, tcpFin: number, udp: number): string {
  return `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`;
}
