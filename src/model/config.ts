/**
 * The configuration after validation: defaults filled in, durations in ms, addresses canonical.
 *
 * `src/config` makes it from TOML (later: from ldirectord.cf and others); everything else only
 * reads it.
 *
 * @module
 */

import type { Endpoint, Network } from "../net/address.ts";
import type { PeerConfig, VirtualRouter } from "./vrrp.ts";

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

/** Flags of the schedulers sh and mh, named as `ipvsadm -b` names them. */
export const schedulerFlags = ["sh-fallback", "sh-port", "mh-fallback", "mh-port"] as const;
/** Flag of a scheduler: another server if the chosen one has weight 0; the client's port counts. */
export type SchedulerFlag = (typeof schedulerFlags)[number];

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
export type CheckType =
  "connect" | "negotiate" | "ping" | "external" | "external-perl" | "vip" | "on" | "off";

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

/** TLS of `pops`, `imaps` and `ldaps`. */
export interface TlsCheckSpec {
  readonly verify: boolean;
  /** PEM file with the authorities; undefined: those of the system. */
  readonly caFile: string | undefined;
  /** Name sent and verified; undefined: the configured host name. */
  readonly serverName: string | undefined;
}

/**
 * Settings of a service that is asked for a sign of life: `oracle` is a connect of TNS without a
 * login, `none` is always up.
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

/** Settings of `ldap` and `ldaps`. */
export interface LdapCheckSpec {
  readonly service: "ldap" | "ldaps";
  /** Name that is bound to; set exactly if `password` is. Undefined: anonymous. */
  readonly login: string | undefined;
  readonly password: string | undefined;
  /** Name of the entry that is searched for; empty: the root of the server. */
  readonly request: string;
  /** RE2 pattern looked for in the entry's name; undefined: any will do. */
  readonly receive: string | undefined;
  /** Set for `ldaps`. */
  readonly tls: TlsCheckSpec | undefined;
}

/** Settings of `radius`. */
export interface RadiusCheckSpec {
  readonly service: "radius";
  /** At most 253 bytes. */
  readonly login: string;
  /** At most 128 bytes. */
  readonly password: string;
  /** Shared with the real server, which knows the director's address by it. */
  readonly secret: string;
}

/** Settings of `mysql` and `pgsql`. */
export interface SqlCheckSpec {
  readonly service: "mysql" | "pgsql";
  readonly login: string;
  /** May be empty. */
  readonly password: string;
  /** Undefined: mysql has none selected, pgsql takes the one of the login's name. */
  readonly database: string | undefined;
  /** A query that must give a row. */
  readonly request: string;
  /** RE2 pattern looked for in the values of the rows; undefined: any row will do. */
  readonly receive: string | undefined;
}

/** Settings of a negotiate check that does not speak HTTP; `service` tells which they are. */
export type ServiceCheckSpec =
  | PlainCheckSpec
  | LdapCheckSpec
  | RadiusCheckSpec
  | SqlCheckSpec
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
  /**
   * Set when `type` is external, or external-perl (a Perl script): program and arguments;
   * `vip vport rip rport` are appended.
   */
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

/** Every occasion of a mail: what the director does while it finds a change. */
export const mailOccasions = ["starting", "running", "stopping", "reloading"] as const;
/** Occasion of a mail. */
export type MailOccasion = (typeof mailOccasions)[number];

/** Mails about real servers that go down and come back. */
export interface MailConfig {
  /** Who gets them; empty: nobody. */
  readonly to: readonly string[];
  /** Undefined: `appliance` at the name of this host. */
  readonly from: string | undefined;
  /** Server that takes the mails. */
  readonly smtp: Server;
  /** Wait between two mails about a server that stays down; 0: one mail only. */
  readonly repeatMs: number;
  readonly when: readonly MailOccasion[];
}

/** What one service has instead of the same field of {@link MailConfig}; undefined: the same. */
export interface ServiceMail {
  readonly to: readonly string[] | undefined;
  readonly smtp: Server | undefined;
  readonly repeatMs: number | undefined;
  readonly when: readonly MailOccasion[] | undefined;
}

/** One virtual service. */
export interface VirtualService {
  /** Identity over reloads. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Empty if the service is a firewall mark. */
  readonly listen: readonly ListenAddress[];
  /** Mark that the packets of the service have; undefined: those to `listen` are its own. */
  readonly firewallMark?: number | undefined;
  /** Virtual routers it belongs to: it is listed where one of them is active. Undefined: none. */
  readonly routers?: readonly string[] | undefined;
  readonly forwarding: ForwardingMethod;
  readonly engine: EngineChoice;
  readonly scheduler: SchedulerName;
  /** Undefined: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | undefined;
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
  /**
   * Program with arguments that is told when the fallback is needed and when it is not any more;
   * `start` or `stop`, `address:port` of the service and its protocol are appended.
   */
  readonly fallbackCommand: readonly string[] | undefined;
  /** File that gets a line for each check of a real server. */
  readonly monitorFile: string | undefined;
  /** What mails about this service have of their own; undefined: nothing. */
  readonly mail: ServiceMail | undefined;
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
  /** Largest packet of IP towards real servers, bytes; undefined: what links take. */
  readonly mtu?: number | undefined;
}

/** Settings of the process itself. */
export interface DirectorConfig {
  readonly engine: EngineChoice;
  /** How long SIGTERM waits for connections to end, ms. */
  readonly stopTimeoutMs: number;
  /** User that runs external checks and hooks. */
  readonly scriptUser: string;
  readonly logLevel: "error" | "warning" | "info" | "debug";
  /** Directory whose files, by their names, take real servers out of service. */
  readonly maintenanceDir: string | undefined;
  /** Program with arguments, run with the path of each file that has changed on disk. */
  readonly onConfigChange: readonly string[] | undefined;
  /** Reloads when a file of the configuration has changed on disk. */
  readonly autoreload: boolean;
}

/** Settings of the proxy engine; only a start reads them. */
export interface ProxyConfig {
  /** Threads; resolved from "auto" to the number of cores. */
  readonly workers: number;
  /** `native`: epoll loop over ffi. `portable`: Bun.listen, one thread. */
  readonly engine: "native" | "portable";
  readonly experimentalSockmap: boolean;
}

/** What IPVS does besides its services, for the whole network namespace. */
export interface IpvsConfig {
  /** Interface that directors tell each other of connections on; undefined: they do not. */
  readonly syncInterface: string | undefined;
  /** 0..255; both directors have the same. */
  readonly syncId: number;
  /** After which idle connections are forgotten, whole seconds; undefined: as the kernel has it. */
  readonly tcpTimeoutMs: number | undefined;
  /** After a FIN. */
  readonly tcpFinTimeoutMs: number | undefined;
  readonly udpTimeoutMs: number | undefined;
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
  readonly ipvs: IpvsConfig;
  readonly status: StatusConfig;
  readonly mail: MailConfig;
  readonly virtualServices: readonly VirtualService[];
  readonly virtualRouters: readonly VirtualRouter[];
  /** Undefined: without a peer channel it is plain VRRP. */
  readonly peer: PeerConfig | undefined;
}
