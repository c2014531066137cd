/**
 * The configuration after validation: defaults filled in, durations in ms, addresses canonical.
 *
 * `src/config` makes it from TOML (later: from ldirectord.cf and others); everything else only
 * reads it.
 *
 * @module
 */

import type { Endpoint, Network } from "../net/address.ts";

/** Transport protocol of a virtual service. */
export type Protocol = "tcp" | "udp";
/** How real servers are reached; named as by ipvsadm, and `proxy`. */
export type ForwardingMethod = "proxy" | "masq" | "gate" | "ipip";
/** What carries masq, gate and ipip; `auto`: whatever the kernel has. */
export type EngineChoice = "auto" | "ipvs" | "bpf";
/** What happens to the live flows of a real server that fails its checks. */
export type OnDown = "keep" | "reset";
/** PROXY protocol version sent to real servers. */
export type SendProxy = "off" | "v1" | "v2";

/** Every scheduler, named as `ipvsadm -s` names it. */
export const schedulerNames = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "sed",
  "nq",
  "sh",
  "mh",
  "dh",
  "lblc",
  "lblcr",
  "fo",
  "ovf",
] as const;
/** Name of a scheduler. */
export type SchedulerName = (typeof schedulerNames)[number];

/** Ports `portFirst`..`portLast` of one address, both included. */
export interface ListenAddress {
  readonly address: string;
  readonly portFirst: number;
  readonly portLast: number;
}

/** Same client, same real server, until `timeoutMs` after its last connection ended. */
export interface Persistence {
  readonly timeoutMs: number;
  /** Clients of one network of this size count as one client. */
  readonly ipv4PrefixBits: number;
  readonly ipv6PrefixBits: number;
}

/** Where a real server or fallback is. `host` is a canonical address or a name to be resolved. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** One real server of a virtual service. */
export interface RealServer extends Server {
  /** 0..65535; 0 takes no new connections. */
  readonly weight: number;
  /** No new connections above this many; 0: no threshold. */
  readonly upperThreshold: number;
  /** Above the upper threshold: new ones again at or below this many; 0: three quarters of it. */
  readonly lowerThreshold: number;
  /** The service's check with this server's own settings over it. */
  readonly check: CheckSpec;
}

/** Way to check a real server. */
export type CheckType = "connect" | "negotiate" | "ping" | "external" | "on" | "off";

/** Settings of `service = "http"`, `"https"` and `"http_proxy"`. */
export interface HttpCheckSpec {
  readonly tls: boolean;
  /** Path with query, starts with `/`; for http_proxy an absolute `http://` address. */
  readonly request: string;
  readonly method: "GET" | "HEAD";
  /** Host header; undefined: the server's address. */
  readonly virtualHost: string | undefined;
  /** RE2 pattern looked for in the body; undefined: the status decides alone. */
  readonly receive: string | undefined;
  /** Statuses that count as up, inclusive ranges. */
  readonly statuses: readonly (readonly [number, number])[];
  /** How many redirects are followed; 0: a redirect is judged by its own status. */
  readonly redirectsMax: number;
  /** TLS: verify the certificate. */
  readonly verify: boolean;
  /** TLS: PEM file with the authorities; undefined: those of the system. */
  readonly caFile: string | undefined;
  /** TLS: name sent and verified; undefined: virtualHost, else the configured host name. */
  readonly serverName: string | undefined;
}

/** TLS of `pops` and `imaps`. */
export interface TlsCheckSpec {
  readonly verify: boolean;
  /** PEM file with the authorities; undefined: those of the system. */
  readonly caFile: string | undefined;
  /** Name sent and verified; undefined: the configured host name. */
  readonly serverName: string | undefined;
}

/**
 * Settings of a service that greets, or of none: `oracle` is a TCP connect, `none` is always up.
 */
export interface PlainCheckSpec {
  readonly service: "smtp" | "submission" | "nntp" | "oracle" | "none";
}

/** Settings of a mailbox: without a login its greeting is enough. */
export interface MailboxCheckSpec {
  readonly service: "pop" | "pops" | "imap" | "imaps";
  /** Set exactly if `password` is. */
  readonly login: string | undefined;
  readonly password: string | undefined;
  /** Set for `pops` and `imaps`. */
  readonly tls: TlsCheckSpec | undefined;
}

/** Settings of `ftp`. */
export interface FtpCheckSpec {
  readonly service: "ftp";
  readonly login: string;
  readonly password: string;
  /** Path of a file that is fetched; undefined: the login is enough. */
  readonly request: string | undefined;
  /** RE2 pattern looked for in the file; undefined: any file will do. */
  readonly receive: string | undefined;
}

/** Settings of `sip`. */
export interface SipCheckSpec {
  readonly service: "sip";
  /** `user@host` that is asked for its options; undefined: the server itself. */
  readonly login: string | undefined;
}

/** Settings of `redis`. */
export interface RedisCheckSpec {
  readonly service: "redis";
  /** User of an access control list; undefined: the default user. */
  readonly login: string | undefined;
  readonly password: string | undefined;
}

/** Settings of one question with one answer. */
export interface ExchangeCheckSpec {
  readonly service: "simpletcp" | "udp" | "dns";
  /** dns: a name or an address; simpletcp: may be empty. */
  readonly request: string;
  /** RE2 pattern; undefined: any answer will do. */
  readonly receive: string | undefined;
}

/** Settings of a negotiate check that does not speak HTTP; `service` tells which they are. */
export type ServiceCheckSpec =
  | PlainCheckSpec
  | MailboxCheckSpec
  | FtpCheckSpec
  | SipCheckSpec
  | RedisCheckSpec
  | ExchangeCheckSpec;

/** What a negotiate check can speak. */
export type CheckService = "http" | "https" | "http_proxy" | ServiceCheckSpec["service"];

/** How one real server is checked. */
export interface CheckSpec {
  readonly type: CheckType;
  /** `checktype=N` of ldirectord: this many connects, then one negotiate; 0 otherwise. */
  readonly connectsPerNegotiate: number;
  /** Set when `type` is negotiate: what is spoken. */
  readonly service: CheckService | undefined;
  /** Set when `service` is http, https or http_proxy. */
  readonly http: HttpCheckSpec | undefined;
  /** Set when `service` is another one. */
  readonly serviceCheck?: ServiceCheckSpec | undefined;
  /** Set when `type` is external: program and arguments; `vip vport rip rport` are appended. */
  readonly command: readonly string[] | undefined;
  /** Port to check; undefined: the server's own. */
  readonly port: number | undefined;
  readonly intervalMs: number;
  /** One deadline for the whole check, whatever it consists of. */
  readonly timeoutMs: number;
  /** Successes in a row until a server that is down is up. */
  readonly rise: number;
  /** Failures in a row until a server that is up is down. */
  readonly fall: number;
  /** Wait after a first failure before the next check, ms; at most `intervalMs`. */
  readonly fastIntervalMs: number;
}

/** Timeouts of proxied connections and UDP flows; keepaliveMs and userTimeoutMs 0: off. */
export interface ProxyTimeouts {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly udpIdleMs: number;
  readonly keepaliveMs: number;
  readonly userTimeoutMs: number;
}

/** One virtual service. */
export interface VirtualService {
  /** Identity over reloads. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly listen: readonly ListenAddress[];
  readonly forwarding: ForwardingMethod;
  readonly engine: EngineChoice;
  readonly scheduler: SchedulerName;
  readonly persistence: Persistence | undefined;
  /** true: a failed server stays in the table with weight 0; false: it leaves the table. */
  readonly quiescent: boolean;
  readonly fallback: Server | undefined;
  readonly realServers: readonly RealServer[];
  /** The service counts as up with at least this much weight of live real servers. */
  readonly quorum: number;
  /** Programs with arguments, run when the service gains or loses its quorum. */
  readonly quorumUp: readonly string[] | undefined;
  readonly quorumDown: readonly string[] | undefined;
  readonly onServiceUp: readonly string[] | undefined;
  readonly onServiceDown: readonly string[] | undefined;
  readonly onDown: OnDown;
  /** Highest number of client connections at once; 0: no limit. */
  readonly connectionLimit: number;
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
  readonly timeouts: ProxyTimeouts;
  readonly sendProxy: SendProxy;
  /** Clients that may send a PROXY header, and must. */
  readonly acceptProxyFrom: readonly Network[];
  /** Local addresses to connect from, used in turn; empty: the kernel chooses. */
  readonly source: readonly string[];
  readonly onePacket: boolean;
  readonly connectionLog: boolean;
}

/** Settings of the process itself. */
export interface DirectorConfig {
  readonly engine: EngineChoice;
  /** How long SIGTERM waits for connections to end, ms. */
  readonly stopTimeoutMs: number;
  /** User that runs external checks and hooks. */
  readonly scriptUser: string;
  readonly logLevel: "error" | "warning" | "info" | "debug";
}

/** Settings of the proxy engine; only a start reads them. */
export interface ProxyConfig {
  /** Threads; resolved from "auto" to the number of cores. */
  readonly workers: number;
  /** `native`: epoll loop over ffi. `portable`: Bun.listen, one thread. */
  readonly engine: "native" | "portable";
  readonly experimentalSockmap: boolean;
}

/** Settings of the status endpoint. */
export interface StatusConfig {
  /** Undefined: control socket only. */
  readonly listen: Endpoint | undefined;
  /** Files with the tokens; their content never enters the model. */
  readonly readTokenFile: string | undefined;
  readonly writeTokenFile: string | undefined;
}

/** One director's whole configuration. */
export interface Config {
  readonly director: DirectorConfig;
  readonly proxy: ProxyConfig;
  readonly status: StatusConfig;
  readonly virtualServices: readonly VirtualService[];
}
