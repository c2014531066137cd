/**
 * Failover in the words of the status endpoint, and handovers asked for there.
 *
 * @module
 */

import type {
  FailoverSnapshot,
  HandoverRequest,
  HandoverResult,
  PeerKindSnapshot,
  PeerSnapshot,
  VirtualRouterSnapshot,
} from "../status/index.ts";
import type { EntryCopyView } from "./entry-copy.ts";
import type { DirectorFailover, FailoverView } from "./failover.ts";

type Instance = FailoverView["instances"][number];

function timeBefore(nowMs: number, ageMs: number): string {
  return new Date(nowMs - ageMs).toISOString();
}

function routerSnapshot(
  instance: Instance,
  { transitionsOf }: FailoverView,
  nowMs: number,
): VirtualRouterSnapshot {
  const { heard, advertisementsReceived, resources } = instance;
  return {
    name: instance.name,
    vrid: instance.vrid,
    addresses: instance.addresses,
    state: instance.state,
    priority: instance.priority,
    changedAt: timeBefore(nowMs, instance.stateAgeMs),
    cause: instance.lastCause,
    blockedBy: instance.blockedBy ?? null,
    leaseRemainingMs: instance.leaseRemainingMs,
    drainRemainingMs: instance.drainRemainingMs,
    heard:
      heard === undefined
        ? null
        : {
            address: heard.address,
            priority: heard.priority,
            at: timeBefore(nowMs, heard.ageMs),
          },
    transitions: instance.transitions,
    transitionCauses: transitionsOf(instance.name),
    conflicts: instance.conflicts,
    advertisementsSent: instance.advertisementsSent,
    advertisementsReceived: { ...advertisementsReceived },
    ...(resources.length > 0 && { resources }),
  };
}

function peerSnapshot({ peer, copied }: FailoverView): { peer?: PeerSnapshot } {
  if (peer === undefined) return {};
  const { heardAgeMs, answeredAgeMs, roundTripMs, received, isReachable, ...rest } = peer;
  return {
    peer: {
      ...rest,
      reachable: isReachable,
      heardAgeMs: heardAgeMs ?? null,
      answeredAgeMs: answeredAgeMs ?? null,
      roundTripMs: roundTripMs ?? null,
      received: { ...received },
      copy: copied === undefined ? null : copySnapshot(copied),
    },
  };
}

function copySnapshot(copied: NonNullable<FailoverView["copied"]>): PeerSnapshot["copy"] {
  const { isConnected, isComplete } = copied;
  const [clients, connections] = [kindSnapshot(copied.clients), kindSnapshot(copied.connections)];
  return {
    connected: isConnected,
    complete: isComplete,
    lagMs: clients.lagMs,
    clientsSent: clients.sent,
    clientsReceived: clients.received,
    clientsTaken: clients.taken,
    clients,
    connections,
  };
}

function kindSnapshot({
  isComplete: _isComplete,
  lagMs,
  ...counts
}: EntryCopyView): PeerKindSnapshot {
  return { ...counts, lagMs: lagMs ?? null };
}

/** @param nowMs Wall-clock time of the view. */
export function failoverSnapshot(
  view: FailoverView | undefined,
  nowMs: number,
): FailoverSnapshot | undefined {
  if (view === undefined) return undefined;
  const { hasGuard, ...realtime } = view.realtime;
  return {
    fence: view.fence ?? { kind: "none", reason: "it is not there yet", gaps: [] },
    ...realtime,
    guard: hasGuard,
    ...peerSnapshot(view),
    tracked: view.tracked.map(({ name, isUp, reason }) => {
      const state = isUp === undefined ? "unknown" : isUp ? "up" : "down";
      return { name, state, reason };
    }),
    routers: view.instances.map((instance) => routerSnapshot(instance, view, nowMs)),
  };
}

/** Carries out a handover; the answer has the states right after it. */
export async function handOver(
  failover: DirectorFailover,
  { action, name, force = false }: HandoverRequest,
  by: string,
): Promise<HandoverResult> {
  const names = failover.names();
  if (names.length === 0 || (name !== undefined && !names.includes(name))) {
    const what = name === undefined ? "there are no virtual routers" : `there is no ${name}`;
    return { ok: false, code: "VRRP_UNKNOWN", message: `Cannot hand over: ${what}` };
  }
  failover.tellHandover(action, name, by);
  if (action === "standby") await failover.standby(name);
  else await failover.takeover(name, force);
  const routers = (failover.view()?.instances ?? [])
    .filter((instance) => name === undefined || instance.name === name)
    .map((instance) => ({ name: instance.name, state: instance.state }));
  return { ok: true, routers };
}
