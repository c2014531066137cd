/**
 * What the status endpoint shows and may change, as an interface that the daemon implements.
 *
 * `Snapshot` is also the JSON of `GET /status`: additive only, `version` 1.
 *
 * @module
 */

import type { Endpoint } from "../net/address.ts";
import type { FailoverSnapshot, HandoverRequest, HandoverResult } from "./failover.ts";

/** Averages per second over the last seconds. */
export interface Rates {
  /** New connections. */
  readonly cps: number;
  /** Packets from clients, and to them. */
  readonly inPps: number;
  readonly outPps: number;
  /** Bytes (not bits) from clients, and to them. */
  readonly inBps: number;
  readonly outBps: number;
}

/** Counters of one real server or fallback; all but the first two only grow. */
export interface TrafficSnapshot {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly connections: number;
  readonly connectFailures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly persistentEntries: number;
}

/** One real server of one service. */
export interface ServerSnapshot extends TrafficSnapshot {
  /** `address:port`, or `host:port` while the name is not resolved. */
  readonly key: string;
  /** As configured. */
  readonly host: string;
  readonly address: string | null;
  readonly port: number;
  /** As configured or overridden. */
  readonly weight: number;
  /** What the engine uses now: 0 when it may get nothing new. */
  readonly effectiveWeight: number;
  /** `unchecked`: no check has ended yet. */
  readonly health: "up" | "down" | "unchecked";
  /** Set by `drain`, `disable`. */
  readonly admin: "enabled" | "draining" | "disabled";
  /** Why it is in this state, one line. */
  readonly reason: string;
  /** RFC 3339 UTC time of the last change of `health`; null if none. */
  readonly changedAt: string | null;
  readonly check: {
    readonly type: string;
    readonly at: string | null;
    readonly tookMs: number | null;
    readonly ok: boolean | null;
    readonly detail: string;
    readonly failures: number;
  };
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /**
   * In the table of `list`, as ipvs would have it: healthy, or kept with weight 0 because the
   * service is quiescent. A server that is down in a service that is not has left the table.
   */
  readonly listed: boolean;
  /** On the director itself, so that ipvs delivers locally; absent: no. */
  readonly local?: boolean | undefined;
  /** Absent until two samples exist. */
  readonly rates?: Rates | undefined;
}

/** Where connections go while no real server can take them. */
export interface FallbackSnapshot {
  /** `address:port`, or `host:port` while the name is not resolved. */
  readonly key: string;
  /** It serves now. */
  readonly active: boolean;
  readonly local?: boolean | undefined;
  /** Absent: the engine has not counted it yet. */
  readonly traffic?: TrafficSnapshot | undefined;
  readonly rates?: Rates | undefined;
}

/** One virtual service. */
export interface ServiceSnapshot {
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  /** `address:port` or `address:first-last`. */
  readonly listen: readonly string[];
  readonly forwarding: "proxy" | "masq" | "gate" | "ipip";
  readonly engine: string;
  /** Why this engine; absent for the proxy that was asked for. */
  readonly engineReason?: string | undefined;
  /** Virtual routers it belongs to, and whether one is active here; absent: it always serves. */
  readonly owner?: { readonly routers: readonly string[]; readonly active: boolean } | undefined;
  /** The service is the packets with this mark, and `listen` is empty; absent: it is not. */
  readonly firewallMark?: number | undefined;
  readonly scheduler: string;
  readonly persistentTimeoutMs: number | null;
  /** Prefix length for clients of the first listen address's family; null without persistence. */
  readonly persistenceMask: number | null;
  /** As `ipvsadm -b` names them, for example `sh-port`; absent: none. */
  readonly schedulerFlags?: readonly string[] | undefined;
  readonly onePacket: boolean;
  /** `up`: quorum reached. `fallback`: the fallback serves. `down`: nobody serves. */
  readonly state: "up" | "fallback" | "down";
  /** Why it is not up; empty when up. */
  readonly reason: string;
  readonly quorum: number;
  readonly activeConnections: number;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Connections ended or refused, by cause. */
  readonly closed: Readonly<Record<string, number>>;
  readonly fallback: FallbackSnapshot | null;
  /** Absent until two samples exist. */
  readonly rates?: Rates | undefined;
  readonly realServers: readonly ServerSnapshot[];
}

/** Something that happened, for `/events`, the log of the page and `status`. */
export interface StatusEvent {
  /** Rises by one. */
  readonly id: number;
  /** RFC 3339 UTC. */
  readonly at: string;
  readonly kind:
    | "health"
    | "service"
    | "reload"
    | "override"
    | "listener"
    | "engine"
    | "failover"
    | "start"
    | "stop";
  readonly service: string | null;
  readonly server: string | null;
  /** One line: what, and why. */
  readonly text: string;
}

/** The kernel's IPVS beside its services. */
export interface IpvsSnapshot {
  readonly version: string;
  /** Slots of its connection table. */
  readonly connectionTableSize: number;
  readonly timeouts: { readonly tcpMs: number; readonly tcpFinMs: number; readonly udpMs: number };
  /** Synchronisation daemons: one that sends (`active`), one that receives (`backup`). */
  readonly daemons: readonly {
    readonly role: "active" | "backup";
    readonly interfaceName: string;
    readonly syncId: number;
    readonly payloadBytes?: number | undefined;
    readonly group?: string | undefined;
    readonly port?: number | undefined;
    readonly ttl?: number | undefined;
  }[];
}

/** Packets that an engine has dropped for one reason. */
export interface DroppedPackets {
  readonly engine: string;
  readonly reason: string;
  readonly count: number;
}

/** Everything at one moment. */
export interface Snapshot {
  readonly version: 1;
  readonly program: { readonly version: string; readonly commit: string };
  readonly at: string;
  readonly startedAt: string;
  readonly pid: number;
  readonly ready: boolean;
  /** Why it is not ready; empty when ready. */
  readonly notReady: readonly string[];
  readonly configuration: {
    readonly files: readonly string[];
    readonly loadedAt: string;
    readonly lastReloadSuccessful: boolean;
    readonly lastReloadError: string | null;
  };
  readonly proxy: { readonly workers: number; readonly engine: string };
  /** Timeouts of idle TCP, half-closed TCP and idle UDP flows, as `list --timeout` shows them. */
  readonly timeouts?:
    { readonly tcpMs: number; readonly tcpFinMs: number; readonly udpMs: number } | undefined;
  /** Packets of services that the kernel's engines dropped, by reason; absent: none is in use. */
  readonly droppedPackets?: readonly DroppedPackets[] | undefined;
  /** The kernel's IPVS; absent while it carries no service. */
  readonly ipvs?: IpvsSnapshot | undefined;
  readonly services: readonly ServiceSnapshot[];
  /** Absent without virtual routers. */
  readonly failover?: FailoverSnapshot | undefined;
  /** The last 100, newest first. */
  readonly events: readonly StatusEvent[];
}

/** Of one real server what metrics show. */
export interface ServerFigures
  extends
    TrafficSnapshot,
    Pick<ServerSnapshot, "key" | "host" | "port" | "health" | "effectiveWeight"> {}

/** Of one service what metrics show. */
export interface ServiceFigures
  extends
    Pick<ServiceSnapshot, "name" | "engine" | "state" | "activeConnections" | "connections">,
    Pick<ServiceSnapshot, "bytesIn" | "bytesOut" | "packetsIn" | "packetsOut" | "closed"> {
  readonly fallback: Pick<FallbackSnapshot, "active"> | null;
  readonly realServers: readonly ServerFigures[];
}

/** The part of a snapshot that metrics are made of; much cheaper with thousands of services. */
export interface Figures extends Pick<
  Snapshot,
  "program" | "startedAt" | "ready" | "configuration" | "proxy" | "failover" | "droppedPackets"
> {
  readonly services: readonly ServiceFigures[];
}

/** One live connection or flow. */
export interface ConnectionSnapshot {
  readonly service: string;
  /** `ip`: persistence entry of a firewall mark. */
  readonly protocol: "tcp" | "udp" | "ip";
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  readonly server: Endpoint;
  /** As `ipvsadm -L -c` names it, for example `ESTABLISHED`. */
  readonly state: string;
  /** Until it would time out. */
  readonly expiresMs: number;
}

/** A change at run time. `server` is `address:port`, `host:port` or `address`. */
export type ChangeRequest = {
  readonly server: string;
  /** Undefined: in every service that has it. */
  readonly service?: string | undefined;
} & (
  | { readonly action: "drain" | "enable" }
  | { readonly action: "disable"; readonly kill: boolean }
  | { readonly action: "weight"; readonly weight: number }
);

/**
 * Outcome of a change. Codes ending in `_UNKNOWN` say that there is no such server or service
 * (HTTP 404); every other code is a refusal (HTTP 409).
 */
export type ChangeResult =
  | {
      readonly ok: true;
      readonly changed: readonly { service: string; server: string }[];
      /** In force, but with this restriction, for example not kept over a restart. */
      readonly warning?: string | undefined;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Outcome of a reload; `plan` has a line for each thing that changes. */
export type ReloadResult =
  | { readonly ok: true; readonly plan: readonly string[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Outcome of an upgrade: the process that is the director now, and its version. */
export type UpgradeResult =
  | { readonly ok: true; readonly pid: number; readonly version: string }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Histogram of check durations, seconds, cumulative buckets as Prometheus wants them. */
export interface CheckMetrics {
  readonly bucketSeconds: readonly number[];
  readonly bucketCounts: readonly number[];
  readonly sumSeconds: number;
  readonly count: number;
  /** How late checks started, the same buckets. */
  readonly latenessCounts: readonly number[];
  readonly latenessSumSeconds: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** What the endpoint needs from the director. */
export interface StatusSource {
  snapshot(): Snapshot;
  /** Alike with the snapshot of the same moment. */
  figures(): Figures;
  /** Why it is not ready, as in the snapshot; empty when it is. */
  notReady(): readonly string[];
  checkMetrics(): CheckMetrics;
  /** True while the main loop and the real-time thread beat. */
  isHealthy(): boolean;
  /** Calls `listener` for each event from now on; the result ends it. */
  subscribe(listener: (event: StatusEvent) => void): () => void;
  /** `by` says who: `uid 1000`, `control socket`, `http token`. */
  change(request: ChangeRequest, by: string): Promise<ChangeResult>;
  reload(dryRun: boolean, by: string): Promise<ReloadResult>;
  /** Has the executable that is on disk now replace this process. */
  upgrade(by: string): Promise<UpgradeResult>;
  /** Hands addresses over, or takes them. */
  handover(request: HandoverRequest, by: string): Promise<HandoverResult>;
  /** Undefined without virtual routers. */
  failover(): FailoverSnapshot | undefined;
  /** At most `limit` live connections, one object each. */
  connections(limit: number): Promise<readonly ConnectionSnapshot[]>;
  /** Effective configuration with secrets masked. */
  configuration(): unknown;
}
