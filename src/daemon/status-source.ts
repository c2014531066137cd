/**
 * The director as the status endpoint sees it.
 *
 * @module
 */

import type { HealthRunner } from "../check/index.ts";
import type { Clock } from "../clock/index.ts";
import { explainConfig } from "../config/index.ts";
import type { LoadedConfig } from "../config/index.ts";
import type { Engine } from "../datapath/index.ts";
import type { Snapshot, StatusSource } from "../status/index.ts";
import type { Changer } from "./change.ts";
import type { EventLog } from "./event-log.ts";
import { failoverSnapshot, handOver } from "./failover-status.ts";
import type { DirectorFailover } from "./failover.ts";
import type { RateTable } from "./rate-table.ts";
import type { Reloader } from "./reload.ts";
import type { ServiceTable } from "./service-table.ts";
import { assembleFigures, assembleSnapshot } from "./snapshot.ts";
import type { FiguresInput } from "./snapshot.ts";

/** Events in a snapshot. */
const snapshotEvents = 100;

/** The main loop counts as stuck when its beat is older than this. */
const beatOldestMs = 5000;

/** What is known of the last reload, or of the start. */
export interface LoadOutcome {
  readonly loadedAtMs: number;
  /** Why the last reload failed; undefined if it did not. */
  readonly error: string | undefined;
}

/** What the source asks. */
export interface StatusParts {
  readonly clock: Clock;
  readonly program: Snapshot["program"];
  readonly startedAtMs: number;
  readonly engine: Pick<
    Engine,
    "name" | "counters" | "connections" | "droppedPackets" | "ipvsView"
  >;
  readonly health: Pick<HealthRunner, "state" | "metrics">;
  readonly table: Pick<ServiceTable, "assessments" | "decisions" | "problems">;
  readonly rates: Pick<RateTable, "service">;
  readonly events: EventLog;
  readonly change: Changer;
  readonly reload: Reloader;
  loaded(): LoadedConfig;
  outcome(): LoadOutcome;
  /** Why it is not ready; empty when it is. */
  notReady(): readonly string[];
  /** Monotonic time of the main loop's last beat. */
  beatAtMs(): number;
  isStopping(): boolean;
  isUpgrading(): boolean;
  readonly upgrade: StatusSource["upgrade"];
  readonly isLocal: (address: string) => boolean;
  readonly failover: DirectorFailover;
}

/** What it answers to handovers while first checks go on: who knows nothing is not to take over. */
const tooEarly = {
  ok: false,
  code: "DIRECTOR_STARTING",
  message: "Cannot hand over: the first checks have not ended",
} as const;

/** What a director that stops answers to changes. */
const stopping = {
  ok: false,
  code: "DIRECTOR_STOPPING",
  message: "Cannot change anything: the director stops",
} as const;

/** What it answers while its successor reads the configuration. */
const upgrading = {
  ok: false,
  code: "UPGRADE_RUNS",
  message: "Cannot reload: the director is being replaced; try again in a moment",
} as const;

function timeoutsOf({ config }: LoadedConfig): Snapshot["timeouts"] {
  const [service] = config.virtualServices;
  if (service === undefined) return undefined;
  const { idleMs: tcpMs, halfClosedMs: tcpFinMs, udpIdleMs: udpMs } = service.timeouts;
  return { tcpMs, tcpFinMs, udpMs };
}

function figuresInput(parts: StatusParts): FiguresInput {
  const loaded = parts.loaded();
  const { loadedAtMs, error } = parts.outcome();
  return {
    program: parts.program,
    startedAtMs: parts.startedAtMs,
    notReady: parts.notReady(),
    configuration: {
      files: loaded.files,
      loadedAt: new Date(loadedAtMs).toISOString(),
      lastReloadSuccessful: error === undefined,
      lastReloadError: error ?? null,
    },
    proxy: { workers: loaded.config.proxy.workers, engine: loaded.config.proxy.engine },
    engine: parts.engine.name,
    decisions: parts.table.decisions(),
    assessments: parts.table.assessments(),
    problems: new Map(parts.table.problems().map(({ service, message }) => [service, message])),
    counters: parts.engine.counters(),
    droppedPackets: parts.engine.droppedPackets?.(),
    failover: failoverSnapshot(parts.failover.view(), parts.clock.wallMs()),
  };
}

function takeSnapshot(parts: StatusParts): Snapshot {
  return assembleSnapshot({
    ...figuresInput(parts),
    pid: process.pid,
    nowMs: parts.clock.wallMs(),
    timeouts: timeoutsOf(parts.loaded()),
    ipvs: parts.engine.ipvsView?.(),
    rates: parts.rates,
    events: parts.events.latest(snapshotEvents),
    healthOf: (id) => parts.health.state(id),
    isLocal: parts.isLocal,
  });
}

/** A source over the parts of a director. */
export function createStatusSource(parts: StatusParts): StatusSource {
  return {
    snapshot: () => takeSnapshot(parts),
    figures: () => assembleFigures(figuresInput(parts)),
    notReady: () => parts.notReady(),
    checkMetrics: () => parts.health.metrics(),
    isHealthy: () =>
      parts.clock.nowMs() - parts.beatAtMs() < beatOldestMs && parts.failover.isHealthy(),
    subscribe: (listener) => parts.events.subscribe(listener),
    change: async (request, by) => (parts.isStopping() ? stopping : parts.change(request, by)),
    async reload(dryRun, by) {
      if (parts.isStopping()) return stopping;
      return parts.isUpgrading() ? upgrading : parts.reload(dryRun, by);
    },
    upgrade: (by) => parts.upgrade(by),
    async handover(request, by) {
      if (parts.isStopping()) return stopping;
      const { virtualRouters } = parts.loaded().config;
      if (virtualRouters.length > 0 && !(await parts.failover.hasBegun())) return tooEarly;
      return await handOver(parts.failover, request, by);
    },
    failover: () => failoverSnapshot(parts.failover.view(), parts.clock.wallMs()),
    connections: (limit) => parts.engine.connections(limit),
    configuration: () => explainConfig(parts.loaded().config),
  };
}
