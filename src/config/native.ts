/**
 * A `Config` back in the words of the configuration file: keys, durations and addresses as they
 * are written there. `explain.ts` and `format.ts` print it, `diff.ts` compares it. Pure.
 *
 * @module
 */

import type {
  CheckSpec,
  Config,
  HttpCheckSpec,
  ListenAddress,
  MailConfig,
  Persistence,
  ProxyTimeouts,
  RealServer,
  Server,
  ServiceCheckSpec,
  ServiceMail,
  TlsCheckSpec,
  VirtualService,
} from "../model/index.ts";
import { formatEndpoint, formatNetwork } from "../net/address.ts";
import { formatDuration } from "./duration.ts";

/** Value of a key; undefined stands for a key that has none. */
export type NativeValue =
  string | number | boolean | undefined | readonly NativeValue[] | NativeTable;

/** A table; its keys in the order in which they are written. */
export interface NativeTable {
  readonly [key: string]: NativeValue;
}

/** True for a list; `Array.isArray` does not narrow read-only ones. */
export function isNativeList(value: NativeValue): value is readonly NativeValue[] {
  return Array.isArray(value);
}

/** True for a table. */
export function isNativeTable(value: NativeValue): value is NativeTable {
  return typeof value === "object" && !Array.isArray(value);
}

/** The tables of the director itself. */
export interface NativeDirector {
  readonly director: NativeTable;
  readonly proxy: NativeTable;
  readonly ipvs: NativeTable;
  readonly status: NativeTable;
  readonly mail: NativeTable;
}

function durationOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : formatDuration(ms);
}

/** The tables `director`, `proxy`, `ipvs`, `status` and `mail`. */
export function nativeDirector({
  director,
  proxy,
  ipvs,
  status,
  mail,
}: Pick<Config, "director" | "proxy" | "ipvs" | "status" | "mail">): NativeDirector {
  return {
    director: {
      engine: director.engine,
      stop_timeout: formatDuration(director.stopTimeoutMs),
      script_user: director.scriptUser,
      log_level: director.logLevel,
      maintenance_dir: director.maintenanceDir,
      on_config_change: director.onConfigChange,
      autoreload: director.autoreload,
    },
    proxy: {
      workers: proxy.workers,
      engine: proxy.engine,
      experimental_sockmap: proxy.experimentalSockmap,
    },
    ipvs: {
      sync_interface: ipvs.syncInterface,
      sync_id: ipvs.syncId,
      tcp_timeout: durationOf(ipvs.tcpTimeoutMs),
      tcp_fin_timeout: durationOf(ipvs.tcpFinTimeoutMs),
      udp_timeout: durationOf(ipvs.udpTimeoutMs),
    },
    status: {
      listen: status.listen === undefined ? "off" : formatEndpoint(status.listen),
      read_token_file: status.readTokenFile,
      write_token_file: status.writeTokenFile,
    },
    mail: nativeMail(mail),
  };
}

/**
 * One `[[virtual_service]]`. `check` stands at the service if all its real servers have the same,
 * else at each of them.
 */
export function nativeService(
  service: VirtualService,
  checkOf: (check: CheckSpec) => NativeTable = nativeCheck,
  trimServer: (server: NativeTable) => NativeTable = (server) => server,
): NativeTable {
  const shared = sharedCheck(service);
  const servers = service.realServers.map((server) =>
    trimServer(nativeServer(server, shared === undefined ? checkOf(server.check) : undefined)),
  );
  return {
    ...nativeHead(service),
    check: shared && checkOf(shared),
    real_servers: servers,
    ...nativeTail(service),
  };
}

/** The check that all real servers of a service have; undefined if they differ or there is none. */
export function sharedCheck({ realServers }: VirtualService): CheckSpec | undefined {
  const check = realServers[0]?.check;
  if (check === undefined) return undefined;
  let text: string | undefined;
  const isSame = realServers.every((server) => {
    // Servers without a check of their own share one object.
    if (server.check === check) return true;
    text ??= JSON.stringify(check);
    return JSON.stringify(server.check) === text;
  });
  return isSame ? check : undefined;
}

function nativeHead(service: VirtualService): NativeTable {
  return {
    name: service.name,
    vrrp: service.routers,
    listen: service.listen.length === 0 ? undefined : service.listen.map(formatListen),
    fwmark: service.firewallMark,
    protocol: service.protocol,
    forwarding: service.forwarding,
    engine: service.engine,
    scheduler: service.scheduler,
    scheduler_flags: service.schedulerFlags,
    persistent: service.persistence && formatDuration(service.persistence.timeoutMs),
    persistence_mask: service.persistence && nativeMask(service.persistence),
    quiescent: service.quiescent,
    fallback: service.fallback && formatServer(service.fallback),
  };
}

function nativeTail(service: VirtualService): NativeTable {
  return {
    quorum: service.quorum,
    quorum_up: service.quorumUp,
    quorum_down: service.quorumDown,
    on_service_up: service.onServiceUp,
    on_service_down: service.onServiceDown,
    fallback_command: service.fallbackCommand,
    monitor_file: service.monitorFile,
    mail: service.mail && nativeMail(service.mail),
    on_down: service.onDown,
    connection_limit: service.connectionLimit,
    allow: service.allow.map(formatNetwork),
    deny: service.deny.map(formatNetwork),
    timeouts: nativeTimeouts(service.timeouts),
    send_proxy: service.sendProxy,
    accept_proxy_from: service.acceptProxyFrom.map(formatNetwork),
    source: service.source,
    one_packet: service.onePacket,
    connection_log: service.connectionLog,
    mtu: service.mtu,
  };
}

/** One element of `real_servers`, with a check of its own or without. */
export function nativeServer(
  server: Omit<RealServer, "check">,
  check: NativeTable | undefined,
): NativeTable {
  return {
    address: formatServer(server),
    weight: server.weight,
    upper_threshold: server.upperThreshold,
    lower_threshold: server.lowerThreshold,
    check,
  };
}

/** The table `check`. */
export function nativeCheck(check: CheckSpec): NativeTable {
  return {
    type: check.type,
    service: check.service,
    ...(check.http && nativeHttp(check.http)),
    ...(check.serviceCheck && nativeServiceCheck(check.serviceCheck)),
    command: check.command,
    port: check.port,
    interval: formatDuration(check.intervalMs),
    timeout: formatDuration(check.timeoutMs),
    rise: check.rise,
    fall: check.fall,
    fast_interval: formatDuration(check.fastIntervalMs),
    connects_per_negotiate: check.type === "negotiate" ? check.connectsPerNegotiate : undefined,
  };
}

function nativeHttp(http: HttpCheckSpec): NativeTable {
  return {
    request: http.request,
    receive: http.receive,
    method: http.method,
    virtual_host: http.virtualHost,
    statuses: http.statuses.map(([first, last]) => (first === last ? first : `${first}-${last}`)),
    // What a proxy is asked for is an address, and it has no redirects.
    redirects: http.request.startsWith("/") ? http.redirectsMax : undefined,
    verify: http.tls ? http.verify : undefined,
    ca_file: http.caFile,
    server_name: http.serverName,
  };
}

/** What any service may have. */
interface AnyServiceCheck {
  readonly service: string;
  readonly request?: string | undefined;
  readonly receive?: string | undefined;
  readonly login?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly secret?: string | undefined;
  readonly tls?: TlsCheckSpec | undefined;
}

function nativeServiceCheck(spec: ServiceCheckSpec): NativeTable {
  const { request, receive, login, password, database, secret, tls }: AnyServiceCheck = spec;
  return {
    // What is empty cannot be written and need not be.
    request: request === "" ? undefined : request,
    receive,
    login,
    password: password === "" ? undefined : password,
    database,
    secret,
    verify: tls?.verify,
    ca_file: tls?.caFile,
    server_name: tls?.serverName,
  };
}

/** `[mail]`, or what a service has of it. */
function nativeMail(mail: MailConfig | ServiceMail): NativeTable {
  return {
    to: mail.to,
    from: "from" in mail ? mail.from : undefined,
    smtp: mail.smtp && formatServer(mail.smtp),
    repeat: mail.repeatMs === undefined ? undefined : orOff(mail.repeatMs),
    when: mail.when,
  };
}

function orOff(durationMs: number): string {
  return durationMs === 0 ? "off" : formatDuration(durationMs);
}

function nativeTimeouts(timeouts: ProxyTimeouts): NativeTable {
  return {
    connect: formatDuration(timeouts.connectMs),
    idle: formatDuration(timeouts.idleMs),
    half_closed: formatDuration(timeouts.halfClosedMs),
    udp_idle: formatDuration(timeouts.udpIdleMs),
    keepalive: orOff(timeouts.keepaliveMs),
    user_timeout: orOff(timeouts.userTimeoutMs),
  };
}

/** The table `persistence_mask`. */
export function nativeMask({ ipv4PrefixBits, ipv6PrefixBits }: Persistence): NativeTable {
  return { ipv4: ipv4PrefixBits, ipv6: ipv6PrefixBits };
}

/** `192.0.2.1:80`, `[2001:db8::1]:8000-8010`. */
export function formatListen({ address, portFirst, portLast }: ListenAddress): string {
  const first = formatEndpoint({ address, port: portFirst });
  return portFirst === portLast ? first : `${first}-${portLast}`;
}

/** `host:port`, brackets where they are needed: also the identity of a server in its service. */
export function formatServer({ host, port }: Server): string {
  return port === 0 ? host : formatEndpoint({ address: host, port });
}
