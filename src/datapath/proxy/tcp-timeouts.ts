/**
 * Ends TCP connections whose time is up: connect, idle, half-closed, PROXY header.
 *
 * Connects are looked at often, from a queue that holds only those under way; everything else by
 * a sweep over the table once a second, which costs some 20 us for 20,000 descriptors and no
 * timer a connection.
 *
 * @module
 */

import { DescriptorList } from "./descriptor-list.ts";
import { flag, kind } from "./flow-table.ts";
import type { FlowTable } from "./flow-table.ts";
import type { Sockmap } from "./sockmap.ts";
import type { TcpCloser } from "./tcp-closer.ts";
import type { TcpConnector } from "./tcp-connector.ts";

/** How often connects under way are looked at. */
const connectTickMs = 20;
const sweepTickMs = 1000;

/** What the timeouts work with: parts of the same worker. */
export interface TcpTimeoutsParts {
  readonly table: FlowTable;
  readonly closer: TcpCloser;
  readonly connector: TcpConnector;
  /** There once a connection can have been promoted. */
  readonly sockmap: () => Sockmap | undefined;
}

/** The timeouts of one worker's TCP connections. */
export class TcpTimeouts {
  readonly #parts: TcpTimeoutsParts;
  /** In the order of their connects; may be outdated. */
  readonly #connecting = new DescriptorList();
  readonly #isStillConnecting = (fd: number, generation: number): boolean =>
    this.#checkConnect(fd, generation);
  #nowMs = 0;
  #nextConnectMs = 0;
  #nextSweepMs = 0;

  constructor(parts: TcpTimeoutsParts) {
    this.#parts = parts;
  }

  /** Watches the deadline of a connect. */
  watchConnect(fd: number, generation: number): void {
    this.#connecting.push(fd, generation);
  }

  /** How long the worker may sleep, ms; -1: until something happens. */
  sleepMs(open: number): number {
    if (this.#connecting.count > 0) return connectTickMs;
    return open > 0 ? sweepTickMs : -1;
  }

  /** Ends what is due. */
  tick(nowMs: number): void {
    if (nowMs >= this.#nextConnectMs && this.#connecting.count > 0) {
      this.#nextConnectMs = nowMs + connectTickMs;
      this.#nowMs = nowMs;
      this.#connecting.filter(this.#isStillConnecting);
    }
    if (nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + sweepTickMs;
    this.#sweep(nowMs);
  }

  /** @returns True if it is still to be watched. */
  #checkConnect(fd: number, generation: number): boolean {
    const { table, connector } = this.#parts;
    if (table.generation[fd] !== generation) return false;
    if ((table.flags[fd]! & flag.connecting) === 0) return false;
    const { connectMs } = table.services[fd]!.definition.timeouts;
    if (this.#nowMs - table.startedAtMs[fd]! < connectMs) return true;
    // May start another connect, which is watched anew.
    connector.onTimeout(fd);
    return false;
  }

  #sweep(nowMs: number): void {
    const { table } = this.#parts;
    const nowDs = nowMs / 100;
    for (let fd = 0; fd < table.end; fd++) {
      if (table.kind[fd] === kind.tcp && (table.flags[fd]! & flag.client) !== 0) {
        this.#checkPair(fd, nowDs);
      }
    }
  }

  #checkPair(client: number, nowDs: number): void {
    const { table, closer } = this.#parts;
    const { timeouts } = table.services[client]!.definition;
    const server = table.peer[client]!;
    if ((table.flags[client]! & flag.promoted) !== 0) {
      const news = this.#parts.sockmap()!.refresh(client, server);
      if (news === "active") table.activeAtDs[client] = nowDs;
      if (news === "overrun") return closer.closePair(client, "internal", true);
    }
    const quietMs = (nowDs - Math.max(table.activeAtDs[client]!, table.activeAtDs[server]!)) * 100;
    if ((table.flags[client]! & flag.header) !== 0) {
      if (quietMs >= timeouts.connectMs) closer.closePair(client, "bad-proxy-header", true);
      return;
    }
    if ((table.flags[server]! & flag.connecting) !== 0) return;
    const halfClosed = ((table.flags[client]! | table.flags[server]!) & flag.readEnd) !== 0;
    if (halfClosed && quietMs >= timeouts.halfClosedMs) {
      closer.closePair(client, "half-closed-timeout", true);
    } else if (quietMs >= timeouts.idleMs) closer.closePair(client, "idle-timeout", true);
  }
}
