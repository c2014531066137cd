/**
 * Failover as a part of the director: configuration to plans, judgements to fitness, events of the
 * real-time thread to log, events and programs.
 *
 * @module
 */

import type { AskedTarget, TrackAsker } from "../check/index.ts";
import type { Clock } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import type {
  Failover,
  FailoverOptions,
  FenceState,
  HandedFailover,
  InstanceView,
  PeerChannelView,
  PeerPlan,
  RealtimeEvent,
  UnplacedPlan,
} from "../failover/index.ts";
import type { Config, TrackTarget, VirtualRouter } from "../model/index.ts";
import type { ServiceAssessment } from "./assessment.ts";
import { DrainWatch, settleMsMax } from "./drain-watch.ts";
import { reportsOf, stateReport } from "./failover-report.ts";
import { judgeRouters, judgeServing, trackedBy, unitsOf } from "./fitness.ts";
import type { RouterVerdict } from "./fitness.ts";
import type { HookRunner } from "./hooks.ts";
import type { PeerCopy, PeerCopyView } from "./peer-copy.ts";
import { peerPlanOf } from "./peer.ts";
import type { CarriedBy } from "./peer.ts";
import type { Report, Reporter } from "./report.ts";
import type { ResourceView } from "./resource-group.ts";
import { Resources } from "./resources.ts";
import type { ResourcesOptions } from "./resources.ts";
import { readRouterKeys } from "./router-keys.ts";
import type { RouterKeys } from "./router-keys.ts";
import { ServingHold } from "./serving-hold.ts";
import { TableDigester } from "./table-digest.ts";
import { Tracking } from "./tracking.ts";
import type { TrackView } from "./tracking.ts";
import { TransitionCounts } from "./transition-counts.ts";
import type { TransitionCount } from "./transition-counts.ts";
import { WitnessQuestions } from "./witness.ts";

/** The real-time thread, as far as it is used here. */
export type FailoverThread = Pick<
  Failover,
  | "apply"
  | "close"
  | "describe"
  | "endDrain"
  | "leave"
  | "peer"
  | "prepare"
  | "proveWitness"
  | "realtime"
  | "setComplete"
  | "setFitness"
  | "setTables"
  | "setWitness"
  | "standby"
  | "takeover"
  | "view"
  | "yield"
>;

/** What failover works with. */
export interface DirectorFailoverOptions {
  readonly clock: Clock;
  readonly runtimeDirectory: string;
  /** Starts the real-time thread and its guard. */
  readonly startThread: (options: FailoverOptions) => FailoverThread;
  /** Asks what is tracked; closed with failover. */
  readonly asker: TrackAsker;
  /** Starts this program as the guard. */
  readonly guardCommand: readonly string[];
  readonly report: Reporter;
  readonly hooks: HookRunner;
  /** A virtual router has another state. */
  readonly onState: (name: string, isActive: boolean) => void;
  /** Runs resources. */
  readonly runProgram: ResourcesOptions["run"];
  /** Which engine carries each service; the other director should have the same. */
  readonly carriedBy: () => CarriedBy;
  /** What is copied to and from the other director; undefined before there is a configuration. */
  readonly copies: () => Pick<PeerCopy, "flush" | "view"> | undefined;
  /** Connections of this host that have one of these addresses. */
  readonly countConnections: (addresses: readonly string[]) => number;
  readonly onCrash: (error: Error) => void;
}

/** Virtual routers as status shows them. */
export interface FailoverView {
  readonly fence: FenceState | undefined;
  readonly realtime: ReturnType<Failover["realtime"]>;
  readonly instances: readonly (InstanceView & { readonly resources: readonly ResourceView[] })[];
  /** Changes of state of a virtual router since the director started. */
  readonly transitionsOf: (name: string) => readonly TransitionCount[];
  /** Pings and scripts that are tracked. */
  readonly tracked: readonly TrackView[];
  /** Undefined without a peer. */
  readonly peer: PeerChannelView | undefined;
  readonly copied: PeerCopyView | undefined;
}

/** Connections that were closed have this time to send what they have; clients may be gone. */
const lastWordsMs = 1000;
/** The real-time thread counts as hanging after this time without a beat. */
const beatAgeMsMax = 2000;

/** An order that comes right after a start waits so long for the first checks. */
const beginWaitMs = 20_000;

/** Failover of one director. The thread and the guard are started with the first virtual router. */
export class DirectorFailover {
  readonly #options: DirectorFailoverOptions;
  #failover: FailoverThread | undefined;
  #routers: readonly VirtualRouter[] = [];
  #services: readonly ServiceAssessment[] = [];
  #scriptUser = "";
  #fence: FenceState | undefined;
  #peer: PeerPlan | undefined;
  #keys: RouterKeys = new Map();
  readonly #tracking: Tracking;
  readonly #witnesses: WitnessQuestions;
  /** Virtual routers in which this director is active. */
  readonly #active = new Set<string>();
  readonly #transitions = new TransitionCounts();
  readonly #drains: DrainWatch;
  readonly #resources: Resources;
  readonly #hold: ServingHold;
  readonly #tables = new TableDigester();
  #tablesTold = "";
  /** What each virtual router was told last. */
  readonly #told = new Map<string, RouterVerdict>();
  /** Resolves when virtual routers are at work for the first time. */
  readonly #begun = Promise.withResolvers<void>();

  constructor(options: DirectorFailoverOptions) {
    this.#options = options;
    this.#tracking = new Tracking({
      clock: options.clock,
      ask: (target, context) => options.asker.ask(target, context),
      user: () => this.#scriptUser,
      onChange: (view) => this.#onTracked(view),
    });
    this.#witnesses = new WitnessQuestions({
      clock: options.clock,
      askNow: (target) => this.#tracking.askNow(target),
      onProof: (router, round) => void this.#failover?.proveWitness(router, round),
    });
    this.#drains = new DrainWatch({
      clock: options.clock,
      view: () => this.#failover?.view() ?? [],
      countConnections: options.countConnections,
      onDrained: (name) => void this.#failover?.endDrain(name),
    });
    this.#hold = new ServingHold({ clock: options.clock, onDue: () => this.#tellVerdicts() });
    this.#resources = new Resources({
      clock: options.clock,
      run: options.runProgram,
      tell: ({ level, text }) => this.#tell({ level, name: "vrrp-resource", text }),
    });
  }

  /** Takes the virtual routers of a configuration for the wanted ones. */
  async apply(config: Config): Promise<void> {
    const { virtualRouters, director } = config;
    this.#scriptUser = director.scriptUser;
    this.#routers = virtualRouters;
    this.#transitions.keepOnly(new Set(this.names()));
    this.#resources.apply(virtualRouters);
    this.#hold.keep(virtualRouters.map(({ name }) => name));
    if (virtualRouters.length === 0 && this.#failover === undefined) return;
    this.#failover ??= this.#start();
    // Who has not asked yet must not claim to be fit.
    await this.#tracking.apply(virtualRouters.flatMap(({ track }) => track.filter(isAsked)));
    this.#readPeer(config);
    // Orders are carried out in their order.
    void this.#failover.setComplete(this.#options.copies()?.view()?.isComplete ?? true);
    this.#readKeys(virtualRouters);
    const drainMs = director.stopTimeoutMs + settleMsMax;
    await this.#failover.apply(plansOf(virtualRouters, this.#keys, drainMs), this.#peer);
    // Those that began anew know nothing.
    this.#told.clear();
    this.#tablesTold = "";
    this.#tellVerdicts();
    this.#tellTables();
    this.#begun.resolve();
  }

  /**
   * Waits until virtual routers are at work, which at a start is after the first checks.
   *
   * @returns False if that takes too long for somebody who waits for an answer.
   */
  async hasBegun(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = this.#options.clock.after(beginWaitMs, () => resolve(false));
    const has = await Promise.race([this.#begun.promise.then(() => true), late]);
    timer.cancel();
    return has;
  }

  /** What a successor must know of the virtual routers; undefined: there are none. */
  describe(): HandedFailover | undefined {
    return this.#failover?.describe();
  }

  /**
   * Prepares to go on with the virtual routers of another process; they follow over the socket.
   *
   * @throws {ApplianceError} `UPGRADE_REFUSED` if they are others than those configured.
   */
  async prepare(config: Config, handed: HandedFailover, batonFd: number): Promise<void> {
    const { virtualRouters, director } = config;
    this.#scriptUser = director.scriptUser;
    this.#routers = virtualRouters;
    this.#resources.apply(virtualRouters);
    this.#failover = this.#start(batonFd);
    await this.#tracking.apply(virtualRouters.flatMap(({ track }) => track.filter(isAsked)));
    this.#readPeer(config);
    this.#readKeys(virtualRouters);
    const drainMs = director.stopTimeoutMs + settleMsMax;
    const plans = plansOf(virtualRouters, this.#keys, drainMs);
    await this.#failover.prepare(plans, this.#peer, handed);
    this.#tellVerdicts();
  }

  /** Hands all virtual routers to another process. @returns False if it did not take them. */
  async yield(batonFd: number): Promise<boolean> {
    if ((await this.#failover?.yield(batonFd)) === false) return false;
    this.#failover = undefined;
    // Resources run on: the other process looks after them.
    this.#drains.close();
    this.#hold.keep([]);
    this.#witnesses.close();
    this.#tracking.close();
    this.#options.asker.close();
    return true;
  }

  /** Says how fit this director is to serve: all services have who serves them. */
  judge(assessments: Iterable<ServiceAssessment>): void {
    if (this.#routers.length === 0) return;
    this.#services = [...assessments];
    this.#tellVerdicts();
    this.#tellTables();
  }

  /** Everything that the peer has is here now. */
  noteComplete(): void {
    void this.#failover?.setComplete(true);
  }

  /** Names of the virtual routers. */
  names(): readonly string[] {
    return this.#routers.map(({ name }) => name);
  }

  /** True while this director is active in a virtual router. */
  isActive(name: string): boolean {
    return this.#active.has(name);
  }

  /** Hands the addresses of one virtual router over, or of all: after what runs beside them. */
  async standby(name: string | undefined): Promise<void> {
    const failover = this.#failover;
    if (failover === undefined) return;
    await this.#resources.release(this.#movingWith(name).map((router) => router.name));
    await this.#options.copies()?.flush();
    await failover.standby(name);
    // What did not move has its resources again.
    for (const { name: one, state } of failover.view()) {
      this.#resources.follow(one, state === "active");
    }
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
    const tracked = this.#tracking.views();
    const realtime = failover.realtime();
    const copied = this.#options.copies()?.view();
    const instances = failover.view().map((instance) => {
      return { ...instance, resources: this.#resources.views(instance.name) };
    });
    const peer = failover.peer();
    const transitionsOf = (name: string) => this.#transitions.of(name);
    return { fence: this.#fence, realtime, instances, transitionsOf, tracked, peer, copied };
  }

  /** False if the real-time thread hangs. */
  isHealthy(): boolean {
    return this.#failover === undefined || this.#failover.realtime().beatAgeMs < beatAgeMsMax;
  }

  /** Stops what runs beside the addresses, for good; the first part of an end in good order. */
  async stopResources(hurry: AbortSignal): Promise<void> {
    await this.#resources.leave(hurry);
  }

  /**
   * Hands everything over, for good. Settles when new connections go to the other director; those
   * that are here may finish, and {@link finish} follows. Without another one it is over at once.
   */
  async leave(hurry: AbortSignal): Promise<void> {
    await this.#failover?.leave();
    await this.#drains.settled(hurry);
    if (!this.#drains.isDraining) await this.close();
  }

  /** Waits for what the kernel still has to send, and ends. */
  async finish(hurry: AbortSignal): Promise<void> {
    await this.#drains.drained(lastWordsMs, hurry);
    await this.close();
  }

  /** Hands everything over and ends; more than once is once. */
  async close(): Promise<void> {
    this.#drains.close();
    this.#hold.keep([]);
    this.#witnesses.close();
    this.#tracking.close();
    this.#options.asker.close();
    const failover = this.#failover;
    this.#failover = undefined;
    await failover?.close();
    await this.#resources.close();
  }

  #tellVerdicts(): void {
    const failover = this.#failover;
    if (failover === undefined) return;
    const isUp = (target: AskedTarget): boolean | undefined => this.#tracking.isUp(target);
    const servings = judgeServing(this.#routers, this.#services).map((judged) => {
      const isActive = this.#active.has(judged.name);
      return { ...this.#hold.say({ ...judged, isActive }), name: judged.name };
    });
    for (const verdict of judgeRouters(this.#routers, servings, isUp)) {
      const { name, isFit, liveServers, isWitnessReached } = verdict;
      const before = this.#told.get(name);
      this.#told.set(name, verdict);
      if (before?.isFit !== isFit || before.liveServers !== liveServers) {
        void failover.setFitness(name, verdict);
      }
      if (before?.isWitnessReached !== isWitnessReached) {
        void failover.setWitness(name, isWitnessReached);
      }
    }
  }

  /** A virtual router and those of its group; without a name all. */
  #movingWith(name: string | undefined): readonly VirtualRouter[] {
    if (name === undefined) return this.#routers;
    const isIt = (router: VirtualRouter): boolean => router.name === name;
    return unitsOf(this.#routers).find((unit) => unit.some(isIt)) ?? [];
  }

  /** Only two directors compare them. */
  #tellTables(): void {
    if (this.#failover === undefined || this.#peer === undefined) return;
    const digest = this.#tables.digest(this.#services);
    if (digest.hash === this.#tablesTold) return;
    this.#tablesTold = digest.hash;
    void this.#failover.setTables(digest);
  }

  #witnessesOf(name: string): readonly AskedTarget[] {
    const tracked = trackedBy(this.#movingWith(name));
    return tracked.flatMap((target) => (target.type === "ping" ? [target] : []));
  }

  #onTracked({ name, isUp = true, reason }: TrackView): void {
    const text = isUp ? `${name} is well again` : `${name} fails: ${reason}`;
    this.#tell({ level: isUp ? "info" : "warning", name: "vrrp-track", text });
    this.#tellVerdicts();
  }

  /** Start and reload have read the key file once; if it has gone since, what was read holds. */
  #readPeer(config: Config): void {
    try {
      this.#peer = peerPlanOf(config, this.#options.carriedBy());
    } catch (error) {
      const text = "The peer channel stays as it was";
      this.#tell({ level: "error", name: "peer", text, reason: errorText(error) });
    }
  }

  #readKeys(routers: readonly VirtualRouter[]): void {
    try {
      this.#keys = readRouterKeys(routers);
    } catch (error) {
      const text = "Keys of virtual routers stay as they were";
      this.#tell({ level: "error", name: "vrrp", text, reason: errorText(error) });
    }
  }

  #start(batonFd?: number): FailoverThread {
    const { runtimeDirectory, guardCommand, onCrash, startThread } = this.#options;
    return startThread({
      runtimeDirectory,
      guardCommand,
      onCrash,
      batonFd,
      listener: (event) => this.#onEvent(event),
      warn: (text) => this.#tell({ level: "warning", name: "vrrp", text }),
    });
  }

  #tell(report: Omit<Report, "kind">): void {
    this.#options.report({ kind: "failover", ...report });
  }

  #onEvent(event: RealtimeEvent): void {
    if (event.type === "started" || event.type === "fence") this.#fence = event.fence;
    else if (event.type === "state") this.#onState(event);
    else if (event.type === "adopted") {
      for (const instance of event.active) this.#onAdopted(instance);
    } else if (event.type === "ask-witness") {
      this.#witnesses.ask(event.instance, event.round, this.#witnessesOf(event.instance));
    }
    for (const report of reportsOf(event)) this.#tell(report);
  }

  /** Was active in the process before, whose resources run on: to start them again is no harm. */
  #onAdopted(instance: string): void {
    this.#active.add(instance);
    this.#resources.follow(instance, true);
    this.#options.onState(instance, true);
  }

  #onState(event: Extract<RealtimeEvent, { type: "state" }>): void {
    const { instance, state, cause } = event;
    const isActive = state === "active";
    if (isActive) this.#active.add(instance);
    else this.#active.delete(instance);
    this.#transitions.note(instance, state, cause);
    this.#resources.follow(instance, isActive);
    this.#options.onState(instance, isActive);
    // What waits on one side does not on the other.
    this.#tellVerdicts();
    const router = this.#routers.find(({ name }) => name === instance);
    const addresses = router?.addresses.map(({ address }) => address) ?? [];
    this.#tell(stateReport(event, addresses));
    this.#drains.look();
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
    if (state === "active") run("on_active", router.onActive);
    // The other director took over without a word to this thread: it is told what came last.
    else if (state === "backup") void this.#options.copies()?.flush();
    run("notify", router.notify);
  }
}

/** What the real-time thread must know of the virtual routers. */
function plansOf(
  routers: readonly VirtualRouter[],
  keys: RouterKeys,
  drainMs: number,
): UnplacedPlan[] {
  const tracked = new Map<VirtualRouter, readonly string[]>();
  for (const unit of unitsOf(routers)) {
    // Those that move together are unfit together.
    const interfaces = trackedBy(unit).flatMap((target) =>
      target.type === "interface" ? [target.interface] : [],
    );
    for (const router of unit) tracked.set(router, interfaces);
  }
  return routers.map((router) => {
    const { onActive: _onActive, notify: _notify, track: _track, keyFile: _file, ...rest } = router;
    const { resources: _resources, ...plan } = rest;
    return { ...plan, tracked: tracked.get(router)!, keys: keys.get(router.name), drainMs };
  });
}

function isAsked(target: TrackTarget): target is AskedTarget {
  return target.type !== "interface";
}
