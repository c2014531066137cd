/**
 * The parts of one director, made for each other, and what they share.
 *
 * What happens flows one way: configuration, names, health checks and operators change facts; the
 * service table judges the services by them, tells what changed, and brings the engine in line.
 *
 * @module
 */

import { createTrackAsker } from "../check/index.ts";
import type { CheckResult, HealthRunner } from "../check/index.ts";
import type { Clock } from "../clock/index.ts";
import { formatWarning } from "../config/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import type { Engine, EngineListener } from "../datapath/index.ts";
import { errorText } from "../errors/index.ts";
import { Failover } from "../failover/index.ts";
import type { Logger, LogLevel } from "../log/index.ts";
import type { Config } from "../model/index.ts";
import { countConnections } from "../netlink/diag/index.ts";
import { runProgram } from "../process/index.ts";
import type { Snapshot, StatusServer, StatusSource } from "../status/index.ts";
import type { ServiceAssessment } from "./assessment.ts";
import { createEngineChooser, enginesOf } from "./choose-engine.ts";
import type { EngineChooser } from "./choose-engine.ts";
import { createEngineListener } from "./engine-events.ts";
import type { EngineEventParts } from "./engine-events.ts";
import type { EngineRecord } from "./engine-record.ts";
import { createEngineTeller } from "./engine-teller.ts";
import type { EngineTeller } from "./engine-teller.ts";
import { createEventLog } from "./event-log.ts";
import type { EventLog } from "./event-log.ts";
import { createFactSource } from "./facts.ts";
import { DirectorFailover } from "./failover.ts";
import { createFollowers } from "./follower.ts";
import type { Followers } from "./follower.ts";
import { configuredHosts, healthTargets } from "./health-target.ts";
import type { TargetFacts } from "./health-target.ts";
import { hookOf } from "./hook-of.ts";
import type { HookRunner } from "./hooks.ts";
import { ipvsSettingsOf } from "./ipvs-settings.ts";
import type { Lookup } from "./lookup.ts";
import type { SendMail } from "./mail-queue.ts";
import { createMaintenance } from "./maintenance.ts";
import type { ListNames, Maintenance } from "./maintenance.ts";
import type { AppendText } from "./monitor-file.ts";
import type { Notifier } from "./notify.ts";
import type { RevisedOverrides } from "./override-merge.ts";
import type { OverrideStore } from "./override-store.ts";
import type { Overrides } from "./overrides.ts";
import { PeerCopy } from "./peer-copy.ts";
import { peerPlanOf } from "./peer.ts";
import { createReporter } from "./report.ts";
import type { Reporter } from "./report.ts";
import { createResolver } from "./resolver.ts";
import type { HostListener, HostState, Resolver } from "./resolver.ts";
import { configuredKey, parseServerId, serverId } from "./server-id.ts";
import { createServiceTable } from "./service-table.ts";
import type { ServiceTable } from "./service-table.ts";
import type { StatusSettings } from "./status-listener.ts";
import type { LoadOutcome } from "./status-source.ts";
import type { Predecessor } from "./upgrade/predecessor.ts";
import type { Successor } from "./upgrade/successor.ts";

/** What a director is made of; tests hand in fakes. */
export interface DirectorParts {
  readonly clock: Clock;
  readonly logger: Logger;
  setLogLevel(level: LogLevel): void;
  readonly notifier: Notifier;
  readonly program: Snapshot["program"];
  readonly store: OverrideStore;
  readonly engineRecord: EngineRecord;
  readonly lookup: Lookup;
  readonly hooks: HookRunner;
  /** RLIMIT_NOFILE in force. */
  readonly descriptorsMax: number;
  /** Reads the configuration again. @throws {ApplianceError} if it cannot be used. */
  load(): Promise<LoadedConfig>;
  createEngine(config: Config, listener: EngineListener): Promise<Engine>;
  /** Names in a directory, for the maintenance directory. */
  readonly listNames: ListNames;
  /** Writes monitor files. */
  readonly appendText: AppendText;
  readonly sendMail: SendMail;
  /** Name of this host, for mails. */
  readonly hostName: string;
  createHealth(
    config: Config,
    onChange: () => void,
    onResult?: (id: string, result: CheckResult) => void,
  ): HealthRunner;
  /** What stands against `vip` checks on this host; undefined: nothing. */
  readonly findVipObstacle?: (() => string | undefined) | undefined;
  /** Opens the control socket. */
  startControl(source: StatusSource): Promise<StatusServer>;
  startStatus(source: StatusSource, settings: StatusSettings): Promise<StatusServer>;
  /** Where locks and sockets of this director are. */
  readonly runtimeDirectory: string;
  /** Starts this program as the guard of failover. */
  readonly guardCommand: readonly string[];
  /** Descriptor of the lock of the runtime directory. */
  readonly lockFd?: number | undefined;
  /** Starts what is to replace this director. Undefined: it cannot be replaced. */
  readonly startSuccessor?: (() => Successor) | undefined;
  /** The director that this one replaces. */
  readonly predecessor?: Predecessor | undefined;
  /** Called after each judgement of all services. */
  readonly onJudged?: ((assessments: Iterable<ServiceAssessment>) => void) | undefined;
  /** Called when a virtual router has become active here, or is not any more. */
  readonly onRouterState?: ((name: string, isActive: boolean) => void) | undefined;
}

/** What changes while a director runs. */
export interface State {
  /** Wall-clock time. */
  readonly startedAtMs: number;
  loaded: LoadedConfig;
  overrides: Overrides;
  /** How often they were changed, on either director. */
  overridesRevision: number;
  outcome: LoadOutcome;
  beatAtMs: number;
  isReady: boolean;
  isStopping: boolean;
  /** Its successor is about to take over. */
  isUpgrading: boolean;
  /** Its predecessor still has the virtual routers. */
  isTakingOver: boolean;
}

/** Parts made for one director, and what they share. */
export interface Assembly {
  readonly parts: DirectorParts;
  readonly state: State;
  readonly events: EventLog;
  readonly report: Reporter;
  readonly engine: Engine;
  readonly choose: EngineChooser;
  readonly tellEngines: EngineTeller;
  readonly resolver: Resolver;
  readonly health: HealthRunner;
  readonly table: ServiceTable;
  readonly maintenance: Maintenance;
  readonly followers: Followers;
  readonly failover: DirectorFailover;
  /** Overrides on the other director, too. */
  readonly peerCopy: PeerCopy;
}

/** Hands health checks and names what they must know, and has the services judged anew. */
export async function bringIntoForce(assembly: Assembly): Promise<void> {
  const { state, resolver, health, table, maintenance } = assembly;
  const { virtualServices } = state.loaded.config;
  resolver.apply(configuredHosts(virtualServices));
  const { overrides } = state;
  const hostState = (host: string): HostState => resolver.state(host);
  const maintenanceFile: TargetFacts["maintenanceFile"] = (server) => maintenance.fileOf(server);
  health.apply(healthTargets(virtualServices, { overrides, hostState, maintenanceFile }));
  table.request();
  await table.settled();
}

/** Warnings that do not stop anything, told once at start and at each reload. */
export function tellWarnings(assembly: Assembly): void {
  const { parts, state } = assembly;
  const { config, warnings } = state.loaded;
  for (const warning of warnings) {
    parts.logger.log("warning", "configuration", { warning: formatWarning(warning) });
  }
  assembly.tellEngines(config.virtualServices);
  const known = new Set<string>();
  for (const service of config.virtualServices) {
    for (const server of service.realServers) {
      known.add(serverId({ service: service.name, server: configuredKey(server) }));
    }
  }
  for (const id of state.overrides.keys()) {
    if (!known.has(id)) parts.logger.log("warning", "override-unused", { ...parseServerId(id) });
  }
}

/** Tells of names, and lets checks and engine follow. */
function createHostListener(report: Reporter, onChange: () => void): HostListener {
  return (host, before, after) => {
    const told = { kind: "health", server: host } as const;
    if (after.state !== "resolved") {
      const text = "Name cannot be resolved, its real server is down";
      report({ ...told, level: "warning", name: "name-unresolved", text });
    } else if (before.state === "resolved") {
      const text = `Address changed from ${before.address} to ${after.address}`;
      report({ ...told, level: "info", name: "name-changed", text });
    } else {
      report({
        ...told,
        level: "info",
        name: "name-resolved",
        text: `Address is ${after.address}`,
      });
    }
    onChange();
  };
}

/** Addresses of all virtual routers. */
function leasedAddresses({ virtualRouters }: Config): ReadonlySet<string> {
  return new Set(virtualRouters.flatMap(({ addresses }) => addresses.map((one) => one.address)));
}

/** State of a director that starts, with the overrides of the last one. */
async function createState(
  { clock, store, predecessor }: DirectorParts,
  loaded: LoadedConfig,
  report: Reporter,
): Promise<State> {
  const { overrides, revision, warning } = await store.load();
  if (warning !== undefined) {
    report({ level: "warning", name: "override", kind: "override", text: warning });
  }
  const startedAtMs = clock.wallMs();
  return {
    startedAtMs,
    loaded,
    overrides,
    overridesRevision: revision,
    outcome: { loadedAtMs: startedAtMs, error: undefined },
    beatAtMs: clock.nowMs(),
    isReady: false,
    isStopping: false,
    isUpgrading: false,
    isTakingOver: predecessor !== undefined,
  };
}

/** @param current The assembly, once there is one. */
function listenToEngine(
  told: Pick<EngineEventParts, "logger" | "report">,
  current: () => Assembly | undefined,
): EngineListener {
  return createEngineListener({
    ...told,
    idsAt: (service, endpoint) => current()?.table.idsAt(service, endpoint) ?? [],
    suspect: (id) => current()?.health.suspect(id),
  });
}

/** What the watch of maintenance files and the followers are made with. */
interface OutsideOptions extends Pick<Assembly, "state" | "report"> {
  readonly hostState: (host: string) => HostState;
  /** Called when another server may be in maintenance. */
  readonly onChange: () => void;
}

/** Those who hear from outside, and those who tell: what they need is in force at once. */
async function createOutside(
  parts: DirectorParts,
  { state, report, hostState, onChange }: OutsideOptions,
): Promise<Pick<Assembly, "maintenance" | "followers">> {
  const { clock, logger, hooks, lookup } = parts;
  const { config } = state.loaded;
  const maintenance = createMaintenance({ clock, list: parts.listNames, lookup, report, onChange });
  await maintenance.apply(config.director.maintenanceDir);
  const followers = createFollowers({
    clock,
    logger,
    hooks,
    send: parts.sendMail,
    append: parts.appendText,
    maintenance,
    config: () => state.loaded.config,
    occasion: () => (state.isReady ? "running" : "starting"),
    hostState,
    host: parts.hostName,
  });
  followers.apply(config);
  return { maintenance, followers };
}

/**
 * Makes the parts that need each other. Nothing is open yet but the engine.
 *
 * @param stack Takes what must be closed if the start fails later.
 */
export async function assemble(
  parts: DirectorParts,
  loaded: LoadedConfig,
  stack: AsyncDisposableStack,
): Promise<Assembly> {
  const { clock, logger } = parts;
  const events = createEventLog(clock);
  const report = createReporter(logger, events);
  const state = await createState(parts, loaded, report);
  // The engine speaks up only after it was given services, when the rest is there.
  let assembly: Assembly | undefined;
  const bringAgain = (): void => {
    if (assembly !== undefined) void bringIntoForce(assembly);
  };
  const listener = listenToEngine({ logger, report }, () => assembly);
  const engine = await parts.createEngine(loaded.config, listener);
  stack.defer(() => engine.close(0, AbortSignal.abort()));
  const choose = createEngineChooser(engine, () => state.loaded.config);
  const resolver = createResolver({
    clock,
    lookup: parts.lookup,
    onChange: createHostListener(report, bringAgain),
  });
  const hostState = (host: string): HostState => resolver.state(host);
  const outside = await createOutside(parts, { state, report, hostState, onChange: bringAgain });
  const { maintenance, followers } = outside;
  const failover = createFailover(parts, report, () => assembly);
  stack.defer(() => failover.close());
  stack.defer(() => maintenance.close());
  const health = parts.createHealth(
    loaded.config,
    () => assembly?.table.request(),
    (id, result) => followers.note(id, result),
  );
  stack.defer(() => health.close());
  const table = createServiceTable({
    clock,
    engine,
    services: () => state.loaded.config.virtualServices,
    facts: createFactSource({
      health,
      hostState,
      overrides: () => state.overrides,
      maintenanceFile: (server) => maintenance.fileOf(server),
    }),
    choose,
    leased: () => leasedAddresses(state.loaded.config),
    report,
    onTransition: (service, transition) => {
      const hook = hookOf(service, transition, state.loaded.config.director.scriptUser);
      if (hook !== undefined) parts.hooks.enqueue(hook);
    },
    afterRun: () => {
      if (assembly !== undefined) afterJudgement(assembly);
    },
  });
  stack.defer(() => table.close());
  const told = { events, report };
  const tellEngines = createEngineTeller({ choose, report, record: parts.engineRecord });
  const carrying = { engine, choose, tellEngines, table };
  const adopt = (next: RevisedOverrides): Promise<void> => adoptOverrides(assembly!, next);
  const peerCopy = createPeerCopy({ state, report, engine, failover }, parts.clock, adopt);
  stack.defer(() => peerCopy.close());
  const pair = { failover, peerCopy };
  assembly = { parts, state, ...told, ...carrying, resolver, health, ...pair, ...outside };
  return assembly;
}

function createPeerCopy(
  { state, report, engine, failover }: Pick<Assembly, "state" | "report" | "engine" | "failover">,
  clock: Clock,
  adopt: (next: RevisedOverrides) => Promise<void>,
): PeerCopy {
  const current = (): RevisedOverrides => {
    return { revision: state.overridesRevision, overrides: state.overrides };
  };
  const onComplete = (): void => failover.noteComplete();
  return new PeerCopy({ clock, report, current, adopt, engine, onComplete });
}

/** The other director has overrides that were changed later. */
async function adoptOverrides(assembly: Assembly, next: RevisedOverrides): Promise<void> {
  const { parts, state, report } = assembly;
  state.overrides = next.overrides;
  state.overridesRevision = next.revision;
  await bringIntoForce(assembly);
  const reason = await parts.store.save(next.overrides, next.revision);
  if (reason === undefined) return;
  const text = "Overrides of the other director are not kept over a restart";
  report({ level: "warning", name: "override", kind: "override", text, reason });
}

/** Calls the other director, if there is one, with the keys of its file. */
export function bringPeer({ state, peerCopy, report }: Assembly): void {
  if (state.isStopping) return;
  try {
    peerCopy.apply(peerPlanOf(state.loaded.config));
  } catch (error) {
    const text = "The connection to the peer stays as it was";
    report({ level: "error", kind: "failover", name: "peer", text, reason: errorText(error) });
  }
}

function createFailover(
  parts: DirectorParts,
  report: Reporter,
  assembly: () => Assembly | undefined,
): DirectorFailover {
  return new DirectorFailover({
    clock: parts.clock,
    runtimeDirectory: parts.runtimeDirectory,
    startThread: (options) => new Failover(options),
    asker: createTrackAsker(parts.clock),
    guardCommand: parts.guardCommand,
    report,
    hooks: parts.hooks,
    runProgram,
    copies: () => assembly()?.peerCopy,
    carriedBy: () => enginesOf(assembly()?.table.decisions()),
    onState(name, isActive) {
      parts.onRouterState?.(name, isActive);
      bringIpvs(assembly());
    },
    countConnections,
    onCrash(error) {
      parts.logger.log("error", "failover-crash", { reason: errorText(error) });
      // A bug: the process ends, the guard resigns, the other director takes over.
      throw error;
    },
  });
}

/** Lets daemons and timeouts of IPVS follow the configuration and who is active. */
function bringIpvs(assembly: Assembly | undefined): void {
  // While another process is the director it looks after them.
  if (assembly === undefined || assembly.state.isTakingOver) return;
  const { state, engine, failover } = assembly;
  const { config } = state.loaded;
  engine.configureIpvs?.(ipvsSettingsOf(config, (name) => failover.isActive(name)));
}

/**
 * Lets virtual routers follow the configuration. Not before the first checks have ended: who knows
 * nothing of its real servers must not claim to be fit.
 */
export async function bringFailover({ state, failover, table }: Assembly): Promise<void> {
  if (!state.isReady || state.isStopping || state.isTakingOver) return;
  await failover.apply(state.loaded.config);
  failover.judge(table.assessments());
}

/** What follows a run of the service table. */
function afterJudgement(assembly: Assembly): void {
  const { parts, table, followers, failover } = assembly;
  const assessments = [...table.assessments()];
  followers.follow(assessments);
  parts.onJudged?.(assessments);
  failover.judge(assessments);
  bringIpvs(assembly);
  noteReady(assembly);
}

/** Once the first check of every server has ended, the director is ready; it stays so. */
function noteReady(assembly: Assembly): void {
  const { parts, state, table, report } = assembly;
  if (state.isReady) return;
  for (const { isSettled } of table.assessments()) if (!isSettled) return;
  state.isReady = true;
  const tookMs = Math.round(parts.clock.wallMs() - state.startedAtMs);
  const text = `Ready: first checks have ended after ${tookMs} ms`;
  report({ level: "info", name: "ready", kind: "start", text });
  void bringFailover(assembly);
}

/** `1 virtual service`, `2 virtual services`. */
export function countServices({ virtualServices: { length } }: Config): string {
  return `${length} virtual service${length === 1 ? "" : "s"}`;
}

/** Why the director is not ready; empty when it is. */
export function notReadyReasons({ state, table }: Assembly): readonly string[] {
  const reasons = table.problems().map(({ message }) => message);
  if (!state.isReady) reasons.push("first checks have not ended");
  if (state.isStopping) reasons.push("the director stops");
  return reasons;
}
