/**
 * What an engine must forward right now: the configuration after health, overrides and name
 * resolution. The daemon computes it whole; an engine applies the difference to what it has.
 *
 * @module
 */

import type { Network } from "../net/address.ts";
import type {
  ForwardingMethod,
  ListenAddress,
  OnDown,
  Persistence,
  Protocol,
  ProxyTimeouts,
  SchedulerFlag,
  SchedulerName,
  SendProxy,
} from "./config.ts";

/** A real server, or the fallback that serves while no real server can. */
export type ServerRole = "real" | "fallback";

/**
 * `active`: gets new connections by its weight. `quiescent`: nothing new, also not through
 * persistence; live flows stay. `down`: as quiescent, but flows obey `onDown` and UDP flows move.
 * `reset`: nothing new, and live flows are ended now.
 */
export type ServerState = "active" | "quiescent" | "down" | "reset";

/** One real server or fallback, as an engine sees it. */
export interface ForwardingServer {
  /** `address:port`, unique within the service and the role; sorted for hash tables. */
  readonly key: string;
  readonly role: ServerRole;
  /** Canonical address. */
  readonly address: string;
  readonly port: number;
  /** 0..65535. A weight of 0 gets nothing new whatever `state` says. */
  readonly weight: number;
  readonly state: ServerState;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** False: a kernel's engine has it not in its table; else it has, if only with weight 0. */
  readonly isListed?: boolean | undefined;
  /** True: nothing is known of it yet. What the kernel sent it before this start goes on. */
  readonly isUnchecked?: boolean | undefined;
}

/** One virtual service, as an engine sees it. A server missing from `servers` loses its flows. */
export interface ForwardingService {
  readonly name: string;
  readonly protocol: Protocol;
  /** Empty if the service is a firewall mark. */
  readonly listen: readonly ListenAddress[];
  /** Mark of the packets that are its own; undefined: those to `listen`. */
  readonly firewallMark?: number | undefined;
  /** Of `listen`, addresses of virtual routers: nothing is forwarded to them without a lease. */
  readonly leased?: readonly string[] | undefined;
  readonly forwarding: ForwardingMethod;
  /** What was chosen to carry it; undefined: the proxy. */
  readonly engine?: "proxy" | "ipvs" | "bpf" | undefined;
  readonly scheduler: SchedulerName;
  /** Undefined: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | undefined;
  readonly persistence: Persistence | undefined;
  readonly servers: readonly ForwardingServer[];
  readonly onDown: OnDown;
  readonly connectionLimit: number;
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
  readonly timeouts: ProxyTimeouts;
  readonly sendProxy: SendProxy;
  readonly acceptProxyFrom: readonly Network[];
  readonly source: readonly string[];
  readonly onePacket: boolean;
  readonly connectionLog: boolean;
  /** Largest packet of IP towards real servers, bytes; undefined: what links take. */
  readonly mtu?: number | undefined;
}
