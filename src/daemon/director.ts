/**
 * One director: started in order, stopped in order.
 *
 * Start: overrides, engine with every listener open (nothing is sent anywhere yet), status
 * endpoint, names and checks. What cannot be opened stops the start, and what was open is closed.
 * Stop: nothing new is accepted, connections come to their end, then status goes.
 *
 * @module
 */

import type { Timer } from "../clock/index.ts";
import { requireDescriptors } from "../config/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import type { Config } from "../model/index.ts";
import type { Endpoint } from "../net/address.ts";
import type { ReloadResult, StatusSource, UpgradeResult } from "../status/index.ts";
import {
  assemble,
  bringFailover,
  bringIntoForce,
  bringPeer,
  countServices,
  notReadyReasons,
  tellWarnings,
} from "./assembly.ts";
import type { Assembly, DirectorParts } from "./assembly.ts";
import { createDirectorChanger, createDirectorReloader } from "./controls.ts";
import { controlSocketPath } from "./directories.ts";
import { hookOf } from "./hook-of.ts";
import { createLocalAddresses } from "./local-address.ts";
import { readPeerKeys } from "./peer.ts";
import { watchPorts } from "./port-watch.ts";
import { createRateTable } from "./rate-table.ts";
import type { RateTable } from "./rate-table.ts";
import type { Reporter } from "./report.ts";
import { readRouterKeys } from "./router-keys.ts";
import { dumpState } from "./state-dump.ts";
import { createStatusListener, readStatusSettings } from "./status-listener.ts";
import type { StatusListener } from "./status-listener.ts";
import { createStatusSource } from "./status-source.ts";
import { Replacement } from "./upgrade/replacement.ts";
import type { RunningParts } from "./upgrade/replacement.ts";
import { takeOver } from "./upgrade/take-over.ts";
import { requireVipChecks } from "./vip-check.ts";

/** A running director. */
export interface Director {
  readonly source: StatusSource;
  /** What is in force, and the files it comes from. */
  loaded(): LoadedConfig;
  /** Where the status endpoint listens over TCP. */
  statusEndpoint(): Endpoint | undefined;
  reload(by: string): Promise<ReloadResult>;
  /** State to the log. */
  dumpState(): void;
  /** Settles when another process has become the director; {@link Director.leave} is next. */
  readonly replaced: Promise<void>;
  /** After {@link Director.replaced}: lets connections end, as `stop` does. */
  leave(hurry: AbortSignal): Promise<void>;
  /**
   * Stops accepting and lets connections end, as long as the configuration's `stop_timeout`.
   *
   * @param hurry Aborts the wait.
   */
  stop(reason: string, hurry: AbortSignal): Promise<void>;
}

/** The main loop's beat. */
const beatMs = 1000;

/** Opens every listener, or none. @throws {ApplianceError} `DIRECTOR_LISTEN…` with all problems. */
async function openListeners({ table }: Assembly): Promise<void> {
  table.request();
  await table.settled();
  const problems = table.problems();
  if (problems.length === 0) return;
  const isForbidden = problems.some(({ code }) => code === "LISTEN_NOT_PERMITTED");
  const lines = problems.map(({ service, message }) => `  virtual service ${service}: ${message}`);
  throw new ApplianceError(
    isForbidden ? "DIRECTOR_LISTEN_NOT_PERMITTED" : "DIRECTOR_LISTEN",
    `Cannot start:\n${lines.join("\n")}`,
  );
}

/** Beats as long as the main loop turns. */
function startBeat({ parts, state }: Assembly): { cancel(): void } {
  let timer: Timer | undefined;
  const beat = (): void => {
    state.beatAtMs = parts.clock.nowMs();
    timer = parts.clock.after(beatMs, beat);
  };
  beat();
  return { cancel: () => timer?.cancel() };
}

/** Number of source addresses of the services that list some. */
function countSources({ virtualServices }: Config): ReadonlyMap<string, number> {
  const listed = virtualServices.filter(({ source }) => source.length > 0);
  return new Map(listed.map(({ name, source }) => [name, source.length]));
}

/** Programs that run at a stop have this long together; what is left then is killed. */
const stopHooksMs = 10_000;

/** Runs the programs that tell the world that these services are gone. */
async function runStopHooks(assembly: Assembly, hurry: AbortSignal): Promise<void> {
  const { parts, state, table } = assembly;
  const user = state.loaded.config.director.scriptUser;
  for (const { service, liveWeight, state: serviceState } of table.assessments()) {
    const told = { service: service.name, server: undefined, reason: "the director stops" };
    const hooks = [
      liveWeight > 0 ? hookOf(service, { ...told, name: "service-dead" }, user) : undefined,
      serviceState === "up" ? hookOf(service, { ...told, name: "service-down" }, user) : undefined,
    ];
    for (const hook of hooks) if (hook !== undefined) parts.hooks.enqueue(hook);
  }
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const timer = parts.clock.after(stopHooksMs, resolve);
  hurry.addEventListener("abort", () => resolve(), { once: true });
  if (hurry.aborted) resolve();
  await Promise.race([parts.hooks.idle(), isOver]);
  timer.cancel();
  parts.hooks.abandon();
}

/** What the source of status is made of besides the assembly. */
interface SourceOptions extends Pick<StatusSource, "upgrade"> {
  readonly rates: RateTable;
  /** The status endpoint, once there is one. */
  readonly status: () => StatusListener | undefined;
}

/** The director as status sees it. */
function createSource(
  assembly: Assembly,
  { rates, status, upgrade: replace }: SourceOptions,
): StatusSource {
  const { parts, state, engine, health, table, events, failover } = assembly;
  return createStatusSource({
    clock: parts.clock,
    program: parts.program,
    startedAtMs: state.startedAtMs,
    engine,
    health,
    table,
    rates,
    events,
    change: createDirectorChanger(assembly),
    reload: createDirectorReloader(assembly, status),
    loaded: () => state.loaded,
    outcome: () => state.outcome,
    notReady: () => notReadyReasons(assembly),
    beatAtMs: () => state.beatAtMs,
    isStopping: () => state.isStopping,
    isUpgrading: () => state.isUpgrading,
    upgrade: replace,
    isLocal: createLocalAddresses(parts.clock),
    failover,
  });
}

/**
 * Gives the addresses to the other director, once what runs beside them has stopped and it has what
 * it needs for the clients.
 */
async function leavePair({ failover, peerCopy }: Assembly, hurry: AbortSignal): Promise<void> {
  await failover.stopResources(hurry);
  await peerCopy.flush();
  await failover.leave(hurry);
  peerCopy.close();
}

/** Looks at what the configuration needs before anything is opened. */
function admit(config: Config, parts: DirectorParts): ReturnType<typeof readStatusSettings> {
  requireDescriptors(config, config.proxy.workers, parts.descriptorsMax);
  requireVipChecks(config, parts.findVipObstacle);
  readPeerKeys(config.peer);
  readRouterKeys(config.virtualRouters);
  return readStatusSettings(config.status);
}

/** Ends a director: nothing new, then connections come to their end, then the rest. */
async function stop(
  assembly: Assembly,
  { control, endpoint, close }: RunningParts,
  { reason, hurry }: { readonly reason: string; readonly hurry: AbortSignal },
): Promise<void> {
  const { parts, state, report, engine, resolver, health, table, maintenance } = assembly;
  state.isStopping = true;
  parts.notifier.stopping();
  report({ level: "info", name: "stop", kind: "stop", text: "Stops", reason });
  // First of all: clients go to the other director from here on.
  await leavePair(assembly, hurry);
  resolver.close();
  maintenance.close();
  await table.close();
  const { stopTimeoutMs } = state.loaded.config.director;
  await Promise.all([
    health.close(),
    assembly.followers.stop(table.assessments(), hurry),
    runStopHooks(assembly, hurry),
    engine.close(stopTimeoutMs, hurry),
  ]);
  await assembly.failover.finish(hurry);
  close();
  parts.notifier.close();
  await Promise.all([endpoint.close(), control.stop()]);
  parts.logger.log("info", "stopped");
}

/** Takes the names that the replaced director has given up. Too late for a way back. */
async function occupy(
  { control, endpoint }: RunningParts,
  settings: ReturnType<typeof readStatusSettings>,
  report: Reporter,
): Promise<void> {
  control.claim?.();
  try {
    await endpoint.apply(settings);
  } catch (error) {
    const told = { name: "status", kind: "listener", text: "No status endpoint" } as const;
    report({ ...told, level: "error", reason: errorText(error) });
  }
}

/**
 * Starts a director.
 *
 * @throws {ApplianceError} `CONFIG_TOO_MANY_LISTENERS`, `DIRECTOR_LISTEN`,
 *   `DIRECTOR_LISTEN_NOT_PERMITTED`, or what engine and status endpoint throw. Nothing is left
 *   open then.
 */
export async function startDirector(parts: DirectorParts, loaded: LoadedConfig): Promise<Director> {
  const { config } = loaded;
  const settings = admit(config, parts);
  // Closes what is open if the start fails; `stop` closes it in an order of its own.
  await using failed = new AsyncDisposableStack();
  const assembly = await assemble(parts, loaded, failed);
  const { state, report, engine } = assembly;
  const count = countServices(config);
  const text = `Started with ${count}, engine ${engine.name}`;
  report({ level: "info", name: "start", kind: "start", text });
  tellWarnings(assembly);
  await openListeners(assembly);

  const rates = createRateTable(parts.clock, () => engine.counters());
  failed.defer(() => rates.close());
  const ports = watchPorts({
    clock: parts.clock,
    counters: () => engine.counters(),
    sources: () => countSources(state.loaded.config),
    report,
  });
  failed.defer(() => ports.close());
  const beat = startBeat(assembly);
  failed.defer(() => beat.cancel());
  let status: StatusListener | undefined;
  const replacement = new Replacement(
    assembly,
    controlSocketPath({ runtime: parts.runtimeDirectory }),
  );
  const replace = (by: string): Promise<UpgradeResult> => replacement.run(by);
  const source = createSource(assembly, { rates, status: () => status, upgrade: replace });
  const control = await parts.startControl(source);
  failed.defer(() => control.stop());
  const endpoint = createStatusListener({
    clock: parts.clock,
    start: (next) => parts.startStatus(source, next),
    onProblem: (reason) =>
      report({ level: "error", name: "status", kind: "listener", text: "Status endpoint", reason }),
  });
  if (parts.predecessor === undefined) await endpoint.apply(settings);
  else await takeOver(assembly, parts.predecessor);
  status = endpoint;
  failed.move();
  const close = (): void => {
    rates.close();
    ports.close();
    beat.cancel();
  };
  const running = { control, endpoint, close };
  replacement.begin(running);
  if (parts.predecessor === undefined) void bringIntoForce(assembly);
  else await occupy(running, settings, report);
  bringPeer(assembly);
  if (parts.predecessor !== undefined) void bringFailover(assembly);
  parts.notifier.ready(count);
  parts.notifier.watch(() => source.isHealthy());

  return {
    source,
    loaded: () => state.loaded,
    statusEndpoint: () => endpoint.endpoint(),
    reload: (by) => source.reload(false, by),
    dumpState: () => dumpState(source.snapshot(), parts.logger),
    replaced: replacement.replaced,
    leave: (hurry) => replacement.leave(hurry),
    stop: (reason, hurry) => stop(assembly, running, { reason, hurry }),
  };
}
