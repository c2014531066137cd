/**
 * What every engine promises: it takes the whole desired state, applies the difference, counts.
 *
 * Promises, held by test/contract/engine.test.ts for each engine:
 * - `apply` never disturbs a listener or a flow that the change does not concern.
 * - A weight or state change needs no new listener and drops no connection (but `reset`).
 * - Nothing is sent to a server whose state is not `active` or whose weight is 0.
 * - Counters only grow (but the active ones) as long as a service exists.
 *
 * @module
 */

import type { ForwardingService } from "../model/index.ts";
import type { Endpoint } from "../net/address.ts";

/** Name of an engine, as shown in status. */
export type EngineName = "proxy" | "portable" | "ipvs" | "bpf";

/** Why a client connection or flow ended, or was not accepted. A counter each. */
export const closeCauses = [
  "client-closed",
  "server-closed",
  "client-reset",
  "server-reset",
  "idle-timeout",
  "half-closed-timeout",
  "connect-timeout",
  "connect-failed",
  "no-server",
  "denied",
  "connection-limit",
  "bad-proxy-header",
  "no-descriptors",
  "no-local-port",
  "server-removed",
  "server-down",
  "service-removed",
  "stopped",
  "internal",
] as const;
/** One of {@link closeCauses}. */
export type CloseCause = (typeof closeCauses)[number];

/** A value for each cause; `index` is its place in {@link closeCauses}. */
export function mapCauses<Value>(
  valueOf: (cause: CloseCause, index: number) => Value,
): Record<CloseCause, Value> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- filled right below.
  const values = {} as Record<CloseCause, Value>;
  let index = 0;
  for (const cause of closeCauses) values[cause] = valueOf(cause, index++);
  return values;
}

/** Counters of one real server within one service; all since the service appeared. */
export interface ServerCounters {
  readonly key: string;
  readonly role: "real" | "fallback";
  readonly active: number;
  /** Connections whose client or server has closed its half (ipvsadm's InActConn). */
  readonly inactive: number;
  readonly connections: number;
  readonly connectFailures: number;
  /** From client to server, and back. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Entries of the persistence table. */
  readonly persistentEntries: number;
  /** True: delivered on this host; undefined: the engine does not tell. */
  readonly isLocal?: boolean | undefined;
}

/** Counters of one service. */
export interface ServiceCounters {
  readonly name: string;
  readonly active: number;
  /** Connections accepted, including those refused afterwards. */
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly closed: Readonly<Record<CloseCause, number>>;
  readonly servers: readonly ServerCounters[];
}

/** A listener that could not be opened, or another part of the desired state that is not there. */
export interface ApplyProblem {
  readonly service: string;
  readonly code: string;
  readonly message: string;
}

/** One live connection or flow, for `list --connections`. */
export interface ConnectionEntry {
  readonly service: string;
  /** `ip`: persistence entry of a firewall mark. */
  readonly protocol: "tcp" | "udp" | "ip";
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  readonly server: Endpoint;
  readonly state: string;
  /** Until it would time out. */
  readonly expiresMs: number;
}

/** What an engine tells without being asked. */
export type EngineEvent =
  | {
      readonly type: "connect-failed";
      readonly service: string;
      readonly serverKey: string;
      readonly reason: string;
    }
  | { readonly type: "log"; readonly level: "warning" | "info"; readonly text: string }
  | {
      /** Another program had changed what this engine keeps; it is as it should be again. */
      readonly type: "put-back";
      readonly service: string;
      readonly text: string;
    }
  | {
      /** Only for services with `connectionLog`. */
      readonly type: "connection-closed";
      readonly service: string;
      readonly client: string;
      readonly serverKey: string;
      readonly cause: CloseCause;
      readonly durationMs: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
    };

/** A synchronisation daemon of IPVS, which sends connections to another director or takes them. */
export interface SyncDaemon {
  readonly role: "active" | "backup";
  readonly interfaceName: string;
  readonly syncId: number;
  /** Undefined: the kernel is too old to tell. */
  readonly payloadBytes?: number | undefined;
  readonly group?: string | undefined;
  readonly port?: number | undefined;
  readonly ttl?: number | undefined;
}

/** The kernel's IPVS beside its services. */
export interface IpvsView {
  /** `1.2.1`. */
  readonly version: string;
  readonly connectionTableSize: number;
  readonly timeouts: { readonly tcpMs: number; readonly tcpFinMs: number; readonly udpMs: number };
  readonly daemons: readonly SyncDaemon[];
}

/** What IPVS is to do besides its services; what is left out stays as it is. */
export interface IpvsSettings {
  /** Synchronisation daemons to run, whose messages are not authenticated. */
  readonly sync?: {
    readonly interfaceName: string;
    /** 0..255 */
    readonly syncId: number;
    readonly roles: readonly SyncDaemon["role"][];
  };
  /** After which idle connections are forgotten, whole seconds. */
  readonly tcpTimeoutMs?: number | undefined;
  readonly tcpFinTimeoutMs?: number | undefined;
  readonly udpTimeoutMs?: number | undefined;
}

/** A client that a persistent service remembers. */
export interface BoundClient {
  readonly service: string;
  /** Address, masked as the service says. */
  readonly client: string;
  /** Key of the real server. */
  readonly server: string;
  /** Until it is forgotten if it does not come again, ms. */
  readonly remainingMs: number;
}

/** Packets that one engine has dropped for one reason. */
export interface DroppedPackets {
  readonly engine: EngineName;
  readonly reason: string;
  readonly count: number;
}

/** Some connections, in a form that another director's engine reads. */
export interface ConnectionPortion {
  readonly entries: number;
  readonly bytes: Uint8Array;
}

/** Connections that another director goes on with when it takes over. */
export interface ConnectionCopies {
  /** Takes note of what changes from here on, or no more. */
  watch(isWatched: boolean): void;
  /** What changed since the last call, a bounded number of portions. */
  changed(): Iterable<ConnectionPortion>;
  /** More than there was room for changed since the last call: {@link walk} is needed. */
  hasLost(): boolean;
  /**
   * All of them, but not those of addresses that another director answers for. What comes or goes
   * meanwhile may be missing.
   */
  walk(): AsyncIterable<ConnectionPortion>;
  /**
   * Takes what another director told. Only configured services and real servers count; what has
   * come here itself stays as it is.
   *
   * @returns How many there were, and how many were taken; undefined if the bytes are no portion.
   */
  take(bytes: Uint8Array): { readonly entries: number; readonly taken: number } | undefined;
}

/** The listening sockets of one address and port, which another process may have too. */
export interface SharedListener {
  /** Protocol, address and port, as the engine names them. */
  readonly key: string;
  readonly fds: readonly number[];
}

/** Something that carries traffic. */
export interface Engine {
  readonly name: EngineName;
  /** Services it can carry, asked before `apply`; a text says why not. */
  refuse(service: ForwardingService): string | undefined;
  /**
   * Makes `services` the whole state. Calls must not overlap.
   *
   * @returns What could not be done; the rest is in force.
   */
  apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]>;
  counters(): readonly ServiceCounters[];
  /** At most `limit` live connections. */
  connections(limit: number): Promise<readonly ConnectionEntry[]>;
  /**
   * Clients of persistent services that came within the last `withinMs`; with Infinity all, also
   * those that are here. At most `limit`. Missing: the engine remembers none.
   */
  boundClients?(withinMs: number, limit: number): readonly BoundClient[];
  /**
   * Remembers clients, as another director does. Who is here, or was here later, stays as it is.
   *
   * @returns How many were news; those of unknown services and servers are not.
   */
  bindClients?(clients: readonly BoundClient[]): number;
  /** Undefined, or missing: it has no connections that can be copied, or not yet. */
  readonly copies?: ConnectionCopies | undefined;
  /** Why IPVS cannot be used here; undefined: it can. Missing: the engine never uses it. */
  ipvsObstacle?(): string | undefined;
  /** Why bpf cannot be used here; undefined: it can. Missing: the engine never uses it. */
  bpfObstacle?(): string | undefined;
  /** Packets of services that were dropped, by reason. Missing: nobody counts them. */
  droppedPackets?(): readonly DroppedPackets[];
  /**
   * Ends at once and takes nothing out of the kernel: what goes on there without a process goes
   * on, and the next one takes it over. Missing: there is nothing of the kind.
   */
  leave?(): void;
  /** Takes effect as long as IPVS carries a service. Missing: the engine never uses it. */
  configureIpvs?(settings: IpvsSettings): void;
  /** Undefined, or missing: no service is carried by IPVS. */
  ipvsView?(): IpvsView | undefined;
  /**
   * Every listening socket, for another process to carry on with. Missing: this engine cannot be
   * replaced while it runs.
   */
  sharedListeners?(): readonly SharedListener[];
  /**
   * Takes nothing new any more, or does so again. The sockets stay open, and clients wait in their
   * queues; what is in the kernel stays as it is. An engine that was made with shared listeners
   * begins without accepting; when it begins to, it closes those that no service wants. What is
   * in the kernel follows with the next `apply`.
   */
  setAccepting?(isAccepting: boolean): Promise<void>;
  /**
   * As `close`, once another process carries on: what both share stays in force. Missing: `close`
   * does no harm to it.
   */
  retire?(timeoutMs: number, hurry: AbortSignal): Promise<void>;
  /**
   * Stops accepting, waits until flows end or `timeoutMs` is over, then resets the rest.
   * `hurry` aborts the wait.
   */
  close(timeoutMs: number, hurry: AbortSignal): Promise<void>;
}

/** Receives what an engine tells; must not throw and must not block. */
export type EngineListener = (event: EngineEvent) => void;
