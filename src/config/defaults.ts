/**
 * What holds when the configuration says nothing; docs/configuration.md lists the same. Pure.
 *
 * @module
 */

import type {
  CheckSpec,
  DirectorConfig,
  FtpCheckSpec,
  HttpCheckSpec,
  IpvsConfig,
  MailConfig,
  ProxyConfig,
  ProxyTimeouts,
  RealServer,
  VirtualService,
} from "../model/index.ts";
import { mailOccasions } from "../model/index.ts";

/** Of `[director]`. */
export const directorDefaults: DirectorConfig = {
  engine: "auto",
  stopTimeoutMs: 10_000,
  scriptUser: "appliance",
  logLevel: "info",
  maintenanceDir: undefined,
  onConfigChange: undefined,
  autoreload: false,
};

/** Of `[mail]`: the mail server of this host, which knows where mails go. */
export const mailDefaults: MailConfig = {
  to: [],
  from: undefined,
  smtp: { host: "127.0.0.1", port: 25 },
  repeatMs: 0,
  when: mailOccasions,
};

/** Of `[status]`: loopback, so that reading needs no token. */
export const statusListenDefault = { address: "127.0.0.1", port: 9780 } as const;

/** Of a proxied service. */
export const timeoutDefaults: ProxyTimeouts = {
  connectMs: 5000,
  idleMs: 3_600_000,
  halfClosedMs: 30_000,
  udpIdleMs: 60_000,
  keepaliveMs: 0,
  userTimeoutMs: 0,
};

/** Of a virtual service. `wlc` also is ipvsadm's default. */
export const serviceDefaults: Pick<
  VirtualService,
  | "protocol"
  | "forwarding"
  | "engine"
  | "scheduler"
  | "quiescent"
  | "quorum"
  | "onDown"
  | "connectionLimit"
  | "allow"
  | "deny"
  | "sendProxy"
  | "acceptProxyFrom"
  | "source"
  | "onePacket"
  | "connectionLog"
> = {
  protocol: "tcp",
  forwarding: "proxy",
  engine: "auto",
  scheduler: "wlc",
  quiescent: false,
  quorum: 1,
  onDown: "keep",
  connectionLimit: 0,
  allow: [],
  deny: [],
  sendProxy: "off",
  acceptProxyFrom: [],
  source: [],
  onePacket: false,
  connectionLog: false,
};

/** Of `[proxy]`, beside `workers`. */
export const proxyDefaults: Omit<ProxyConfig, "workers"> = {
  engine: "native",
  experimentalSockmap: false,
};

/** Of `[ipvs]`. */
export const ipvsDefaults: IpvsConfig = {
  syncInterface: undefined,
  syncId: 0,
  tcpTimeoutMs: undefined,
  tcpFinTimeoutMs: undefined,
  udpTimeoutMs: undefined,
};

/** Of `persistence_mask`: each client for itself. */
export const persistenceMaskDefault = { ipv4: 32, ipv6: 128 } as const;

/** Of a real server. */
export const realServerDefaults: Omit<RealServer, "host" | "port" | "check"> = {
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};

/** Of a check, before `timeout` and `fast_interval` are held to the interval. */
export const checkDefaults: Omit<
  CheckSpec,
  "service" | "http" | "serviceCheck" | "command" | "port"
> = {
  type: "connect",
  connectsPerNegotiate: 0,
  intervalMs: 2000,
  timeoutMs: 1000,
  rise: 1,
  fall: 2,
  fastIntervalMs: 500,
};

/** Of a check that speaks HTTP. */
export const httpDefaults: Omit<HttpCheckSpec, "tls"> = {
  request: "/",
  method: "GET",
  virtualHost: undefined,
  receive: undefined,
  statuses: [[200, 299]],
  redirectsMax: 0,
  verify: false,
  caFile: undefined,
  serverName: undefined,
};

/** Of a check that speaks FTP. */
export const ftpDefaults: Pick<FtpCheckSpec, "login" | "password"> = {
  login: "anonymous",
  password: "appliance@",
};

/** `defaults` with what `own` has of them laid over; undefined lays nothing over. */
export function withDefaults<T extends object>(
  defaults: T,
  own: { readonly [Key in keyof T]?: T[Key] | undefined },
): T {
  const result = { ...defaults };
  for (const key in own) {
    const value = own[key];
    if (value !== undefined) result[key] = value;
  }
  return result;
}

/** Smallest `fast_interval`, ms; below it a failure would be asked twice of one moment. */
const fastIntervalMsMin = 10;
/** A second look comes this much sooner than the next one in its turn. */
const fastIntervalShare = 5;

/**
 * `fast_interval` where none is given: a fifth of the interval, at most 500 ms, so that a server
 * with a short interval is found out sooner too.
 */
export function fastIntervalDefault(intervalMs: number): number {
  const shareMs = Math.max(fastIntervalMsMin, Math.round(intervalMs / fastIntervalShare));
  return Math.min(checkDefaults.fastIntervalMs, shareMs, intervalMs);
}
