/**
 * The portable engine: TCP and UDP on Bun's own sockets, in the one thread of the program.
 *
 * It stands behind the same interface as the native engine: as fall-back where that one cannot
 * run, and as oracle of the differential test. It uses one core at most.
 *
 * @module
 */

import { systemClock } from "../../clock/index.ts";
import type { Clock, Timer } from "../../clock/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import type {
  ApplyProblem,
  CloseCause,
  ConnectionEntry,
  Engine,
  EngineListener,
  ServiceCounters,
} from "../engine.ts";
import { ListenerTable } from "./listener-table.ts";
import type { PortableServer } from "./server.ts";
import { PortableService } from "./service.ts";
import type { TcpConnection } from "./tcp-connection.ts";
import type { UdpFlow } from "./udp-flow.ts";

/** Timeouts are looked at four times within the shortest one, but within these bounds. */
const sweepsPerTimeout = 4;
const sweepMsMin = 10;
const sweepMsMax = 1000;
/** Descriptors for everything that is no connection: program, listeners, checks, control. */
const reservedDescriptors = 400;
/** How often a drain looks whether the flows have ended. */
const drainTickMs = 20;

/** What the engine is made with. */
export interface PortableEngineOptions {
  /** Hears what the engine tells. */
  readonly listener: EngineListener;
  /**
   * RLIMIT_NOFILE in force. Clients beyond what it can hold are turned away: Bun would try again
   * and again to accept them, at the cost of a whole core.
   */
  readonly descriptorsMax: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The engine. Made by {@link createPortableEngine}. */
class PortableEngine implements Engine {
  readonly name = "portable";
  readonly #clock: Clock;
  readonly #services = new Map<string, PortableService>();
  readonly #connections = new Set<TcpConnection>();
  readonly #flows = new Set<UdpFlow>();
  readonly #listeners: ListenerTable;
  readonly #descriptorsMax: number;
  #sweepTimer: Timer | undefined;
  #sweepMs = sweepMsMax;

  constructor({ listener, descriptorsMax, clock }: PortableEngineOptions) {
    this.#clock = clock ?? systemClock;
    // A small limit is shared half and half.
    this.#descriptorsMax = descriptorsMax - Math.min(reservedDescriptors, descriptorsMax / 2);
    const nowMs = (): number => this.#clock.nowMs();
    this.#listeners = new ListenerTable({
      tcp: {
        nowMs,
        tell: listener,
        // The connection asked for is among them already.
        hasRoom: () => this.#usedDescriptors <= this.#descriptorsMax,
        onOpened: (connection) => this.#connections.add(connection),
        onClosed: (connection) => this.#connections.delete(connection),
      },
      udp: {
        nowMs,
        tell: listener,
        hasRoom: () => this.#usedDescriptors < this.#descriptorsMax,
        flows: this.#flows,
      },
    });
  }

  /** A connection has two descriptors, a flow one. */
  get #usedDescriptors(): number {
    return 2 * this.#connections.size + this.#flows.size;
  }

  refuse(service: ForwardingService): string | undefined {
    const { forwarding, protocol, sendProxy, acceptProxyFrom } = service;
    if (forwarding !== "proxy" && forwarding !== "masq") {
      return `forwarding "${forwarding}" needs a kernel engine; the proxy does "proxy" and "masq"`;
    }
    if (protocol === "udp" && (sendProxy !== "off" || acceptProxyFrom.length > 0)) {
      return "the PROXY protocol is for TCP services";
    }
    return undefined;
  }

  async apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    const names = new Set(services.map(({ name }) => name));
    for (const [name, service] of this.#services) {
      if (names.has(name)) continue;
      this.#services.delete(name);
      this.#endFlows((flow) => flow.service === service, "service-removed");
    }
    for (const definition of services) this.#define(definition);
    this.#restartSweep(services);
    return this.#listeners.match(services.map(({ name }) => this.#services.get(name)!));
  }

  #define(definition: ForwardingService): void {
    const known = this.#services.get(definition.name);
    if (known === undefined) {
      this.#services.set(definition.name, new PortableService(definition));
      return;
    }
    if (known.definition.protocol !== definition.protocol) {
      this.#endFlows((flow) => flow.service === known, "service-removed");
    }
    for (const server of known.update(definition)) this.#endFlowsOf(server, "server-removed");
    for (const server of known.servers) {
      const isDown = server.state === "down";
      const resets = server.state === "reset" || (isDown && definition.onDown === "reset");
      if (resets) this.#endFlowsOf(server, "server-down");
      else if (isDown) this.#moveUdpFlowsOf(server);
    }
  }

  #endFlowsOf(server: PortableServer, cause: CloseCause): void {
    this.#endFlows((flow) => flow.server === server, cause);
  }

  #endFlows(isMeant: (flow: TcpConnection | UdpFlow) => boolean, cause: CloseCause): void {
    for (const flow of [...this.#connections, ...this.#flows]) {
      if (isMeant(flow)) flow.close(cause);
    }
  }

  /** The next datagram of each client makes a new flow with another server. */
  #moveUdpFlowsOf(server: PortableServer): void {
    for (const flow of this.#flows) if (flow.server === server) flow.close("server-down");
  }

  #restartSweep(services: readonly ForwardingService[]): void {
    const timeoutsMs = services.flatMap(({ timeouts }) => [
      timeouts.connectMs,
      timeouts.idleMs,
      timeouts.halfClosedMs,
      timeouts.udpIdleMs,
    ]);
    const wantedMs = Math.min(...timeoutsMs, Number.MAX_SAFE_INTEGER) / sweepsPerTimeout;
    this.#sweepMs = Math.min(sweepMsMax, Math.max(sweepMsMin, wantedMs));
    this.#sweepTimer?.cancel();
    if (services.length > 0) this.#sweepLater();
  }

  #sweepLater(): void {
    this.#sweepTimer = this.#clock.after(this.#sweepMs, () => {
      const nowMs = this.#clock.nowMs();
      for (const connection of this.#connections) connection.checkTimeouts(nowMs);
      for (const flow of this.#flows) flow.checkTimeouts(nowMs);
      this.#sweepLater();
    });
  }

  counters(): readonly ServiceCounters[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#services.values()].map((service) => service.counters(nowMs));
  }

  connections(limit: number): Promise<readonly ConnectionEntry[]> {
    const nowMs = this.#clock.nowMs();
    const entries: ConnectionEntry[] = [];
    for (const flow of [...this.#connections, ...this.#flows]) {
      if (entries.length >= limit) break;
      entries.push(flow.describe(nowMs));
    }
    return Promise.resolve(entries);
  }

  async close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    // One turn of the loop accepts what waits; closing a listener resets the rest of its queue.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.#listeners.drain();
    await this.#drained(timeoutMs, hurry);
    this.#endFlows(() => true, "stopped");
    this.#listeners.close("stopped");
    this.#sweepTimer?.cancel();
  }

  #drained(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    const endMs = this.#clock.nowMs() + timeoutMs;
    return new Promise((resolve) => {
      const look = (): void => {
        const nowMs = this.#clock.nowMs();
        if (this.#isQuiet(nowMs) || nowMs >= endMs || hurry.aborted) resolve();
        else this.#clock.after(Math.min(drainTickMs, endMs - nowMs), look);
      };
      look();
    });
  }

  #isQuiet(nowMs: number): boolean {
    if (this.#connections.size > 0) return false;
    for (const flow of this.#flows) if (!flow.isQuiet(nowMs)) return false;
    return true;
  }
}

/** Makes an engine without services. */
export function createPortableEngine(options: PortableEngineOptions): Promise<Engine> {
  return Promise.resolve(new PortableEngine(options));
}
