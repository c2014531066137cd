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
  readonly protocol: "tcp" | "udp";
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
   * Stops accepting, waits until flows end or `timeoutMs` is over, then resets the rest.
   * `hurry` aborts the wait.
   */
  close(timeoutMs: number, hurry: AbortSignal): Promise<void>;
}

/** Receives what an engine tells; must not throw and must not block. */
export type EngineListener = (event: EngineEvent) => void;
