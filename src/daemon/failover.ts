/**
 * Failover as a part of the director: configuration to plans, judgements to fitness, events of the
 * real-time thread to log, events and programs.
 *
 * @module
 */

import { Failover } from "../failover/index.ts";
import type { FenceState, InstanceView, RealtimeEvent, UnplacedPlan } from "../failover/index.ts";
import type { Config, VirtualRouter } from "../model/index.ts";
import type { ServiceAssessment } from "./assessment.ts";
import type { HookRunner } from "./hooks.ts";
import type { Report, Reporter } from "./report.ts";

/** What failover works with. */
export interface DirectorFailoverOptions {
  readonly runtimeDirectory: string;
  /** Starts this program as the guard. */
  readonly guardCommand: readonly string[];
  readonly report: Reporter;
  readonly hooks: HookRunner;
  readonly onCrash: (error: Error) => void;
}

/** Virtual routers as status shows them. */
export interface FailoverView {
  readonly fence: FenceState | undefined;
  readonly realtime: ReturnType<Failover["realtime"]>;
  readonly instances: readonly InstanceView[];
}

/** The real-time thread counts as hanging after this time without a beat. */
const beatAgeMsMax = 2000;

/** Failover of one director. The thread and the guard are started with the first virtual router. */
export class DirectorFailover {
  readonly #options: DirectorFailoverOptions;
  #failover: Failover | undefined;
  #routers: readonly VirtualRouter[] = [];
  #scriptUser = "";
  #fence: FenceState | undefined;
  #fitness = "";

  constructor(options: DirectorFailoverOptions) {
    this.#options = options;
  }

  /** Takes the virtual routers of a configuration for the wanted ones. */
  async apply({ virtualRouters, director }: Config): Promise<void> {
    this.#scriptUser = director.scriptUser;
    this.#routers = virtualRouters;
    if (virtualRouters.length === 0 && this.#failover === undefined) return;
    this.#failover ??= this.#start();
    await this.#failover.apply(virtualRouters.map(planOf));
  }

  /** Says how fit this director is to serve: all services have who serves them. */
  judge(assessments: Iterable<ServiceAssessment>): void {
    if (this.#failover === undefined) return;
    let isFit = true;
    let liveServers = 0;
    for (const { state, servers } of assessments) {
      if (state !== "up") isFit = false;
      for (const { health } of servers) if (health === "up") liveServers++;
    }
    const fitness = `${isFit} ${liveServers}`;
    if (fitness === this.#fitness) return;
    this.#fitness = fitness;
    void this.#failover.setFitness(isFit, liveServers);
  }

  /** Names of the virtual routers. */
  names(): readonly string[] {
    return this.#routers.map(({ name }) => name);
  }

  /** Hands the addresses of one virtual router over, or of all. */
  async standby(name: string | undefined): Promise<void> {
    await this.#failover?.standby(name);
  }

  /** Takes the addresses of one virtual router, or of all. */
  async takeover(name: string | undefined, force: boolean): Promise<void> {
    await this.#failover?.takeover(name, force);
  }

  /** Tells who asked for a handover. */
  tellHandover(action: "standby" | "takeover", name: string | undefined, by: string): void {
    const what = action === "standby" ? "Handover" : "Takeover";
    const text = `${what} of ${name ?? "all virtual routers"} asked for`;
    this.#tell({ level: "info", name: "handover", text, by });
  }

  /** Undefined without virtual routers. */
  view(): FailoverView | undefined {
    const failover = this.#failover;
    if (failover === undefined) return undefined;
    return { fence: this.#fence, realtime: failover.realtime(), instances: failover.view() };
  }

  /** False if the real-time thread hangs. */
  isHealthy(): boolean {
    return this.#failover === undefined || this.#failover.realtime().beatAgeMs < beatAgeMsMax;
  }

  /** Hands everything over and ends. */
  async close(): Promise<void> {
    await this.#failover?.close();
    this.#failover = undefined;
  }

  #start(): Failover {
    const { runtimeDirectory, guardCommand, onCrash } = this.#options;
    return new Failover({
      runtimeDirectory,
      guardCommand,
      onCrash,
      listener: (event) => this.#onEvent(event),
      warn: (text) => this.#tell({ level: "warning", name: "vrrp", text }),
    });
  }

  #tell(report: Omit<Report, "kind">): void {
    this.#options.report({ kind: "failover", ...report });
  }

  #onEvent(event: RealtimeEvent): void {
    switch (event.type) {
      case "started":
        this.#onStarted(event);
        return;
      case "state":
        this.#onState(event);
        return;
      case "cause":
        // A change of state says its cause itself.
        return;
      case "trouble":
        this.#tell({ level: "warning", name: "vrrp", text: event.text });
        return;
      case "fence-repaired": {
        const text = `The fence on ${event.device} was put back: it was ${event.fault}`;
        this.#tell({ level: "error", name: "fence", text });
        return;
      }
      case "done":
    }
  }

  #onStarted({ threadClass, fence }: Extract<RealtimeEvent, { type: "started" }>): void {
    this.#fence = fence;
    if (fence.kind === "none") {
      const text = "There is no fence: a director that hangs may go on answering";
      this.#tell({ level: "error", name: "fence", text, reason: fence.reason });
    }
    if (threadClass.kind === "fifo") return;
    const text = "The real-time thread has no real-time priority: takeovers may be false or late";
    this.#tell({ level: "warning", name: "vrrp", text, reason: threadClass.reason });
  }

  #onState({ instance, state, cause }: Extract<RealtimeEvent, { type: "state" }>): void {
    const router = this.#routers.find(({ name }) => name === instance);
    const addresses = router?.addresses.map(({ address }) => address).join(" ") ?? "";
    const isActive = state === "active";
    const text = isActive ? `${instance} is active: ${addresses}` : `${instance} is ${state}`;
    const level = isActive || cause === "startup" || cause === "shutdown" ? "info" : "warning";
    this.#tell({ level, name: "vrrp-state", text, reason: cause });
    if (router === undefined) return;
    const told = { VRRP_INSTANCE: instance, VRRP_STATE: state, VRRP_CAUSE: cause };
    const run = (name: string, command: readonly string[] | undefined): void => {
      if (command === undefined) return;
      const all = name === "notify" ? [...command, instance, state, cause] : command;
      const user = this.#scriptUser;
      this.#options.hooks.enqueue({
        service: instance,
        name,
        command: all,
        environment: told,
        user,
      });
    };
    if (isActive) run("on_active", router.onActive);
    run("notify", router.notify);
  }
}

function planOf(router: VirtualRouter): UnplacedPlan {
  const { onActive: _onActive, notify: _notify, ...plan } = router;
  return plan;
}
