/**
 * The bpf engine as a director has it: in the kernel only while a service needs it.
 *
 * - Nothing is opened before the first service. A director that has none takes away what an earlier
 *   process has left behind.
 * - With its last service it goes out of the kernel.
 * - A real server without a way is a warning: the others serve, and its checks fail anyway.
 *
 * @module
 */

import { dirname } from "node:path";

import {
  closeBpfFileSystem,
  findBpfFolder,
  hasDeviceLinks,
  hostBpfKernel,
} from "../../bpf/index.ts";
import type { BpfKernel } from "../../bpf/index.ts";
import { systemClock } from "../../clock/index.ts";
import type { Clock } from "../../clock/index.ts";
import { errorText } from "../../errors/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import type {
  ApplyProblem,
  BoundClient,
  ConnectionCopies,
  ConnectionEntry,
  DroppedPackets,
  Engine,
  EngineListener,
  ServiceCounters,
} from "../engine.ts";
import { leasedAddresses, openBpfEngine } from "./engine.ts";
import type { BpfEngine, BpfEngineOptions } from "./engine.ts";
import { findBpfObstacle } from "./obstacle.ts";
import { balancerPinsName } from "./program.ts";
import { bpfRefusal } from "./refuse.ts";

/** A host that cannot is asked again after this time: a file system may have been mounted. */
const askAgainMs = 5000;

/** What the engine works with. */
export interface OnDemandOptions {
  /** For a bpf file system where the host has none. */
  readonly runtimeDirectory: string;
  readonly listener: EngineListener;
  readonly connectionsMax?: number | undefined;
  /** Default: those of this host. */
  readonly kernel?: BpfKernel | undefined;
  readonly clock?: Clock | undefined;
  readonly open?: ((options: BpfEngineOptions) => BpfEngine) | undefined;
  readonly findObstacle?: typeof findBpfObstacle | undefined;
}

/** See the module's head. Made by {@link createBpfEngine}. */
class OnDemandEngine implements Engine {
  readonly name = "bpf";
  readonly #options: OnDemandOptions;
  readonly #clock: Clock;
  #engine: BpfEngine | undefined;
  /** An earlier process had left it in force when this one opened it. */
  #isTakenOver = false;
  #hasLooked = false;
  #closing: Promise<void> | undefined;
  #obstacle: string | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isPossible = false;
  #warned: ReadonlySet<string> = new Set();

  constructor(options: OnDemandOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  bpfObstacle(): string | undefined {
    if (this.#isPossible || this.#engine !== undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#askedAtMs < askAgainMs) return this.#obstacle;
    this.#askedAtMs = nowMs;
    const { kernel = hostBpfKernel, runtimeDirectory } = this.#options;
    const find = this.#options.findObstacle ?? findBpfObstacle;
    this.#obstacle = find({ kernel, runtimeDirectory });
    this.#isPossible = this.#obstacle === undefined;
    return this.#obstacle;
  }

  refuse(service: ForwardingService): string | undefined {
    return bpfRefusal(service) ?? this.bpfObstacle();
  }

  async apply(services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    if (services.length === 0) {
      await this.#withdraw();
      return [];
    }
    try {
      this.#engine ??= this.#open(services);
    } catch (error) {
      const message = `bpf cannot be used: ${errorText(error)}`;
      return services.map(({ name: service }) => ({ service, code: "BPF_FAILED", message }));
    }
    const problems = await this.#engine.apply(services);
    return this.#tellUnreachable(problems);
  }

  boundClients(withinMs: number, limit: number): readonly BoundClient[] {
    return this.#engine?.boundClients(withinMs, limit) ?? [];
  }

  bindClients(clients: readonly BoundClient[]): number {
    return this.#engine?.bindClients(clients) ?? 0;
  }

  get copies(): ConnectionCopies | undefined {
    return this.#engine?.copies;
  }

  counters(): readonly ServiceCounters[] {
    return this.#engine?.counters() ?? [];
  }

  droppedPackets(): readonly DroppedPackets[] {
    if (this.#engine === undefined) return [];
    const counts = Object.entries(this.#engine.drops());
    return counts.map(([reason, count]) => ({ engine: "bpf", reason, count }));
  }

  async connections(limit: number): Promise<readonly ConnectionEntry[]> {
    return (await this.#engine?.connections(limit)) ?? [];
  }

  /** Without any time, as after a start that failed, what was there before stays. */
  async close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#closing ??= this.#end(timeoutMs, hurry);
    await this.#closing;
  }

  async setAccepting(isAccepting: boolean): Promise<void> {
    this.#engine?.rest(!isAccepting);
  }

  leave(): void {
    this.#engine?.leave();
    this.#engine = undefined;
  }

  async #end(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    const engine = this.#engine;
    if (this.#isTakenOver && timeoutMs === 0 && hurry.aborted) engine?.leave();
    // Counts as long as connections come to their end.
    else await engine?.close(timeoutMs, hurry);
    this.#engine = undefined;
    // Failover has ended by now, and its fence has gone.
    closeBpfFileSystem(dirname(balancerPinsName), this.#options.runtimeDirectory);
  }

  #open(services: readonly ForwardingService[]): BpfEngine {
    const { open = openBpfEngine, findObstacle: _find, ...options } = this.#options;
    this.#isTakenOver = this.#isPinned();
    this.#hasLooked = true;
    return open({ ...options, leased: leasedAddresses(services) });
  }

  /** No service needs it. */
  async #withdraw(): Promise<void> {
    try {
      if (this.#engine === undefined && !this.#hasLooked && this.#isPinned()) {
        this.#engine = this.#open([]);
      }
      this.#hasLooked = true;
      const engine = this.#engine;
      this.#engine = undefined;
      await engine?.close(0, AbortSignal.abort());
    } catch (error) {
      const text = `Cannot take the bpf engine away: ${errorText(error)}`;
      this.#options.listener({ type: "log", level: "warning", text });
    }
  }

  #isPinned(): boolean {
    const folder = findBpfFolder(balancerPinsName, this.#options.runtimeDirectory);
    return folder !== undefined && hasDeviceLinks(folder);
  }

  #tellUnreachable(problems: readonly ApplyProblem[]): readonly ApplyProblem[] {
    const isWay = ({ code }: ApplyProblem): boolean => code === "BPF_SERVER_UNREACHABLE";
    const texts = problems.filter(isWay).map(({ service, message }) => `${service}: ${message}`);
    for (const text of texts) {
      if (!this.#warned.has(text)) this.#options.listener({ type: "log", level: "warning", text });
    }
    this.#warned = new Set(texts);
    return problems.filter((problem) => !isWay(problem));
  }
}

/** Makes an engine without services. It opens nothing before it is asked for something. */
export function createBpfEngine(options: OnDemandOptions): Engine {
  return new OnDemandEngine(options);
}
