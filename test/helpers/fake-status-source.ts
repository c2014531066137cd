/**
 * A director that only the status endpoint sees: its facts are set by the test, what is asked of
 * it is written down.
 *
 * @module
 */

import type {
  ChangeRequest,
  ChangeResult,
  FailoverSnapshot,
  HandoverRequest,
  HandoverResult,
  PeerSnapshot,
  ReloadResult,
  ServerSnapshot,
  ServiceSnapshot,
  Snapshot,
  StatusEvent,
  StatusSource,
  UpgradeResult,
  VirtualRouterSnapshot,
} from "../../src/status/index.ts";
import { copiedEntries } from "./copied-entries.ts";

/** A healthy real server, with whatever a test wants otherwise. */
export function serverSnapshot(changes: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    key: "192.0.2.11:80",
    host: "192.0.2.11",
    address: "192.0.2.11",
    port: 80,
    weight: 1,
    effectiveWeight: 1,
    health: "up",
    admin: "enabled",
    reason: "",
    changedAt: "2026-03-01T10:00:01.000Z",
    check: {
      type: "http",
      at: "2026-03-01T10:00:58.000Z",
      tookMs: 1.5,
      ok: true,
      detail: "",
      failures: 0,
    },
    activeConnections: 3,
    inactiveConnections: 12,
    connections: 134,
    connectFailures: 2,
    bytesIn: 281_255,
    bytesOut: 384_268,
    packetsIn: 3026,
    packetsOut: 3031,
    persistentEntries: 0,
    upperThreshold: 0,
    lowerThreshold: 0,
    listed: true,
    ...changes,
  };
}

/** A service with one real server, with whatever a test wants otherwise. */
export function serviceSnapshot(changes: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return {
    name: "web",
    protocol: "tcp",
    listen: ["192.0.2.100:80"],
    forwarding: "proxy",
    engine: "proxy",
    scheduler: "wlc",
    persistentTimeoutMs: null,
    persistenceMask: null,
    onePacket: false,
    state: "up",
    reason: "",
    quorum: 1,
    activeConnections: 3,
    connections: 401,
    bytesIn: 830_843,
    bytesOut: 1_135_000,
    packetsIn: 8939,
    packetsOut: 8953,
    closed: { "client-closed": 390, "no-server": 8 },
    fallback: null,
    realServers: [serverSnapshot()],
    ...changes,
  };
}

/** A director with one service, with whatever a test wants otherwise. */
export function directorSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    version: 1,
    program: { version: "0.1.0", commit: "abc1234" },
    at: "2026-03-01T10:01:00.000Z",
    startedAt: "2026-03-01T10:00:00.000Z",
    pid: 4711,
    ready: true,
    notReady: [],
    configuration: {
      files: ["/etc/appliance/appliance.toml"],
      loadedAt: "2026-03-01T10:00:00.000Z",
      lastReloadSuccessful: true,
      lastReloadError: null,
    },
    proxy: { workers: 2, engine: "native" },
    services: [serviceSnapshot()],
    events: [],
    ...changes,
  };
}

/** Failover with one virtual router, which is active. */
export function failoverSnapshot(changes: Partial<VirtualRouterSnapshot> = {}): FailoverSnapshot {
  const router: VirtualRouterSnapshot = {
    name: "public",
    vrid: 51,
    addresses: ["192.0.2.100"],
    state: "active",
    priority: 150,
    changedAt: "2026-03-01T10:00:10.000Z",
    cause: "silence",
    blockedBy: null,
    leaseRemainingMs: 250,
    drainRemainingMs: 0,
    heard: null,
    transitions: 2,
    transitionCauses: [
      { to: "backup", cause: "startup", count: 1 },
      { to: "active", cause: "silence", count: 1 },
    ],
    conflicts: 0,
    advertisementsSent: 1000,
    advertisementsReceived: { accepted: 12, "bad-ttl": 1 },
    ...changes,
  };
  return {
    fence: { kind: "bpf", reason: "" },
    beatAgeMs: 10,
    wakeups: 5000,
    lateWakeups: 3,
    latenessMaxMs: 12.5,
    fenceRepairs: 0,
    guard: true,
    tracked: [{ name: "ping 192.0.2.1", state: "up", reason: "" }],
    routers: [router],
  };
}

/** A peer that is heard and has all copies. */
export function peerSnapshot(changes: Partial<PeerSnapshot> = {}): PeerSnapshot {
  return {
    reachable: true,
    heardAgeMs: 12,
    answeredAgeMs: 15,
    roundTripMs: 0.4,
    configuration: "same",
    tables: "same",
    boots: 1,
    sent: 5000,
    unsent: 0,
    dropped: 0,
    unmatched: 0,
    received: { accepted: 4990, "bad-mac": 1 },
    copy: {
      connected: true,
      complete: true,
      lagMs: 100,
      clientsSent: 20,
      clientsReceived: 10,
      clientsTaken: 10,
      clients: copiedEntries,
      connections: copiedEntries,
    },
    ...changes,
  };
}

/** One event. */
export function statusEvent(id: number, changes: Partial<StatusEvent> = {}): StatusEvent {
  return {
    id,
    at: "2026-03-01T10:00:30.000Z",
    kind: "health",
    service: "web",
    server: "192.0.2.11:80",
    text: `Event ${id}`,
    ...changes,
  };
}

/** What {@link createFakeStatusSource} gives. */
export interface FakeStatusSource extends StatusSource {
  /** Replaces parts of the snapshot. */
  set(changes: Partial<Snapshot>): void;
  /** Adds an event and tells those who listen. */
  emit(event: StatusEvent): void;
  listenerCount(): number;
  readonly changes: { readonly request: ChangeRequest; readonly by: string }[];
  readonly reloads: { readonly dryRun: boolean; readonly by: string }[];
  readonly upgrades: string[];
  upgradeResult: UpgradeResult;
  readonly handovers: { readonly request: HandoverRequest; readonly by: string }[];
  handoverResult: HandoverResult;
  /** Answers to changes and reloads. */
  changeResult: ChangeResult;
  reloadResult: ReloadResult;
  healthy: boolean;
}

/** A director that answers every change with yes until told otherwise. */
export function createFakeStatusSource(start: Partial<Snapshot> = {}): FakeStatusSource {
  let snapshot = directorSnapshot(start);
  const listeners = new Set<(event: StatusEvent) => void>();
  return {
    changes: [],
    reloads: [],
    upgrades: [],
    upgradeResult: { ok: true, pid: 4711, version: "9.9.9" },
    handovers: [],
    handoverResult: { ok: true, routers: [{ name: "public", state: "backup" }] },
    changeResult: { ok: true, changed: [{ service: "web", server: "192.0.2.11:80" }] },
    reloadResult: { ok: true, plan: ["web: weight of 192.0.2.11:80 from 1 to 2"] },
    healthy: true,
    set: (changes) => void (snapshot = { ...snapshot, ...changes }),
    emit(event) {
      snapshot = { ...snapshot, events: [event, ...snapshot.events].slice(0, 100) };
      for (const listener of listeners) listener(event);
    },
    listenerCount: () => listeners.size,
    snapshot: () => snapshot,
    figures: () => snapshot,
    failover: () => snapshot.failover,
    async upgrade(by) {
      this.upgrades.push(by);
      return this.upgradeResult;
    },
    async handover(request, by) {
      this.handovers.push({ request, by });
      return this.handoverResult;
    },
    notReady: () => snapshot.notReady,
    checkMetrics: () => ({
      bucketSeconds: [0.001, 0.01, 1],
      bucketCounts: [4, 9, 10],
      sumSeconds: 0.25,
      count: 10,
      latenessCounts: [8, 10, 10],
      latenessSumSeconds: 0.012,
      failures: { refused: 2, timeout: 1 },
    }),
    isHealthy() {
      return this.healthy;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async change(request, by) {
      this.changes.push({ request, by });
      return this.changeResult;
    },
    async reload(dryRun, by) {
      this.reloads.push({ dryRun, by });
      return this.reloadResult;
    },
    connections: async (limit) =>
      [
        {
          service: "web",
          protocol: "tcp" as const,
          client: { address: "198.51.100.7", port: 58_969 },
          virtual: { address: "192.0.2.100", port: 80 },
          server: { address: "192.0.2.11", port: 80 },
          state: "ESTABLISHED",
          expiresMs: 899_000,
        },
      ].slice(0, limit),
    configuration: () => ({ virtual_service: [{ name: "web" }] }),
  };
}
