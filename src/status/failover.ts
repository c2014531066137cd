/**
 * Virtual routers as the status endpoint shows them: types, schema and metrics. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { formatLabel, formatLabels } from "./metric-text.ts";
import type { MetricFamily } from "./metric-text.ts";
import { peerFamilies, peerSchema } from "./peer.ts";
import type { PeerSnapshot } from "./peer.ts";

/** One virtual router. */
export interface VirtualRouterSnapshot {
  readonly name: string;
  readonly vrid: number;
  readonly addresses: readonly string[];
  readonly state: "initialize" | "backup" | "active";
  /** Priority in force. */
  readonly priority: number;
  /** RFC 3339 UTC time of the last change of `state`. */
  readonly changedAt: string;
  /** Cause of that change, in one word. */
  readonly cause: string;
  /** Why it is not active though it could be. */
  readonly blockedBy: string | null;
  /** How long this director may still answer, ms; 0: not at all. */
  readonly leaseRemainingMs: number;
  /** How long connections of before a handover may still finish here; 0: none does. */
  readonly drainRemainingMs: number;
  /** The active director that was heard last. */
  readonly heard: {
    readonly address: string;
    readonly priority: number;
    readonly at: string;
  } | null;
  readonly transitions: number;
  /** Those since the director started, by the state it took and the cause. */
  readonly transitionCauses?: readonly TransitionSnapshot[] | undefined;
  /** How often another node claimed an address while this one was active. */
  readonly conflicts: number;
  readonly advertisementsSent: number;
  /** By what became of them. */
  readonly advertisementsReceived: Readonly<Record<string, number>>;
  /** Programs that run where the addresses are, in their order; left out without any. */
  readonly resources?: readonly ResourceSnapshot[] | undefined;
}

/** A program of `resources`. */
export interface ResourceSnapshot {
  /** Its path. */
  readonly name: string;
  readonly state: "unknown" | "starting" | "running" | "stopping" | "stopped" | "failed";
  /** Why it is not as wanted; empty if it is. */
  readonly reason: string;
  /** Starts and stops that failed. */
  readonly failures: number;
}

/** Changes to one state with one cause. */
export interface TransitionSnapshot {
  readonly to: string;
  readonly cause: string;
  readonly count: number;
}

/** A ping or script that virtual routers track. */
export interface TrackedSnapshot {
  /** `ping 192.0.2.1`, or the script with its arguments. */
  readonly name: string;
  /** `unknown`: it has not answered yet. */
  readonly state: "up" | "down" | "unknown";
  /** Why it is down; empty otherwise. */
  readonly reason: string;
}

/** What keeps this node from answering without a lease. */
export interface FenceSnapshot {
  readonly kind: "bpf" | "nft" | "none";
  /** Why it is none of bpf; empty if it is. */
  readonly reason: string;
  /** Interfaces that it is not on, though it should. */
  readonly gaps?: readonly { readonly interface: string; readonly reason: string }[] | undefined;
}

/** Failover of this director. */
export interface FailoverSnapshot {
  readonly fence: FenceSnapshot;
  /** Time since the real-time thread's last wake-up, ms. */
  readonly beatAgeMs: number;
  readonly wakeups: number;
  readonly lateWakeups: number;
  readonly latenessMaxMs: number;
  readonly fenceRepairs: number;
  /** The guard lives. */
  readonly guard: boolean;
  /** The peer channel; left out without a peer. */
  readonly peer?: PeerSnapshot | undefined;
  /** What is asked for `track`; interfaces are not in it. */
  readonly tracked: readonly TrackedSnapshot[];
  readonly routers: readonly VirtualRouterSnapshot[];
}

/** `POST /failover`. */
export interface HandoverRequest {
  readonly action: "standby" | "takeover";
  /** Undefined: every virtual router. */
  readonly name?: string | undefined;
  /** Takeover: also against what speaks against it. */
  readonly force?: boolean | undefined;
}

/** Outcome of a handover; codes ending in `_UNKNOWN` say that there is no such virtual router. */
export type HandoverResult =
  | { readonly ok: true; readonly routers: readonly { name: string; state: string }[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

const count = v.pipe(v.number(), v.minValue(0));
const timestamp = v.pipe(v.string(), v.isoTimestamp());

const resource = v.object({
  name: v.string(),
  state: v.picklist(["unknown", "starting", "running", "stopping", "stopped", "failed"]),
  reason: v.string(),
  failures: count,
});

const router = v.object({
  name: v.string(),
  vrid: count,
  addresses: v.array(v.string()),
  state: v.picklist(["initialize", "backup", "active"]),
  priority: count,
  changedAt: timestamp,
  cause: v.string(),
  blockedBy: v.nullable(v.string()),
  leaseRemainingMs: v.pipe(count, v.description("How long it may still answer; 0: not at all")),
  drainRemainingMs: v.pipe(
    count,
    v.description("How long connections may finish after a handover; 0: none does"),
  ),
  heard: v.nullable(v.object({ address: v.string(), priority: count, at: timestamp })),
  transitions: count,
  transitionCauses: v.optional(v.array(v.object({ to: v.string(), cause: v.string(), count }))),
  conflicts: count,
  advertisementsSent: count,
  advertisementsReceived: v.record(v.string(), count),
  resources: v.optional(v.array(resource)),
});

/** Schema of {@link FailoverSnapshot}. */
export const failoverSchema = v.object({
  fence: v.object({
    kind: v.picklist(["bpf", "nft", "none"]),
    reason: v.pipe(v.string(), v.description("Why it is none of bpf; empty if it is")),
    gaps: v.optional(v.array(v.object({ interface: v.string(), reason: v.string() }))),
  }),
  beatAgeMs: v.number(),
  wakeups: count,
  lateWakeups: count,
  latenessMaxMs: count,
  fenceRepairs: count,
  guard: v.boolean(),
  peer: v.optional(peerSchema),
  tracked: v.array(
    v.object({
      name: v.string(),
      state: v.picklist(["up", "down", "unknown"]),
      reason: v.string(),
    }),
  ),
  routers: v.array(router),
}) satisfies v.GenericSchema<unknown, FailoverSnapshot>;

/** Schema of {@link HandoverRequest}. */
export const handoverSchema = v.strictObject({
  action: v.picklist(["standby", "takeover"]),
  name: v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(300))),
  force: v.optional(v.boolean(), false),
}) satisfies v.GenericSchema<unknown, HandoverRequest>;

const states = ["initialize", "backup", "active"] as const;

/** Name, type, help and value of a metric with one sample a virtual router. */
type Column = readonly [
  name: string,
  type: MetricFamily["type"],
  help: string,
  value: (router: VirtualRouterSnapshot) => number,
];

const columns: readonly Column[] = [
  ["appliance_vrrp_priority", "gauge", "Priority in force", ({ priority }) => priority],
  [
    "appliance_vrrp_lease_remaining_seconds",
    "gauge",
    "How long this director may still answer for the addresses",
    ({ leaseRemainingMs }) => leaseRemainingMs / 1000,
  ],
  [
    "appliance_vrrp_conflicts_total",
    "counter",
    "How often another node claimed an address of an active virtual router",
    ({ conflicts }) => conflicts,
  ],
  [
    "appliance_vrrp_advertisements_sent_total",
    "counter",
    "Advertisements sent",
    ({ advertisementsSent }) => advertisementsSent,
  ],
];

function labelOf({ name }: VirtualRouterSnapshot): string {
  return formatLabel("virtual_router", name);
}

function routerFamilies(routers: readonly VirtualRouterSnapshot[]): MetricFamily[] {
  return columns.map(([name, type, help, value]) => ({
    name,
    type,
    help,
    samples(emit) {
      for (const one of routers) emit(formatLabels(labelOf(one)), value(one));
    },
  }));
}

function threadFamilies(failover: FailoverSnapshot): MetricFamily[] {
  const { fence, guard, fenceRepairs, lateWakeups, latenessMaxMs } = failover;
  const single = (name: string, help: string, value: number): Omit<MetricFamily, "type"> => ({
    name,
    help,
    samples: (emit) => emit("", value),
  });
  return [
    {
      name: "appliance_vrrp_fence_installed",
      type: "gauge",
      help: "What keeps this director from answering without a lease: 1, or 0 while it has gaps",
      samples(emit) {
        const isWhole = (fence.gaps ?? []).length === 0;
        emit(formatLabels(formatLabel("kind", fence.kind)), isWhole ? 1 : 0);
      },
    },
    {
      name: "appliance_vrrp_fence_gap",
      type: "gauge",
      help: "1 for an interface that the fence could not be put on",
      samples(emit) {
        for (const gap of fence.gaps ?? []) {
          emit(formatLabels(formatLabel("interface", gap.interface)), 1);
        }
      },
    },
    {
      type: "gauge",
      ...single(
        "appliance_vrrp_tick_lateness_max_seconds",
        "Worst lateness of a wake-up of the real-time thread",
        latenessMaxMs / 1000,
      ),
    },
    {
      type: "counter",
      ...single(
        "appliance_vrrp_late_ticks_total",
        "Wake-ups that were late by more than half an interval",
        lateWakeups,
      ),
    },
    {
      type: "counter",
      ...single(
        "appliance_vrrp_fence_repairs_total",
        "How often the fence was gone or not first somewhere, and was put back",
        fenceRepairs,
      ),
    },
    {
      type: "gauge",
      ...single("appliance_vrrp_guard_up", "1 while the guard lives", guard ? 1 : 0),
    },
    {
      name: "appliance_vrrp_track_up",
      type: "gauge",
      help: "1 if what is tracked is well, 0 if it fails; left out before the first answer",
      samples(emit) {
        for (const { name, state } of failover.tracked) {
          if (state === "unknown") continue;
          emit(formatLabels(formatLabel("target", name)), state === "up" ? 1 : 0);
        }
      },
    },
  ];
}

function resourceFamilies(routers: readonly VirtualRouterSnapshot[]): MetricFamily[] {
  const all = routers.flatMap((one) => {
    return (one.resources ?? []).map((found) => {
      const labels = formatLabels(labelOf(one), formatLabel("resource", found.name));
      return { ...found, labels };
    });
  });
  if (all.length === 0) return [];
  return [
    {
      name: "appliance_vrrp_resource_up",
      type: "gauge",
      help: "1 while a program of resources runs",
      samples(emit) {
        for (const { labels, state } of all) emit(labels, state === "running" ? 1 : 0);
      },
    },
    {
      name: "appliance_vrrp_resource_failures_total",
      type: "counter",
      help: "Starts and stops of a program of resources that failed",
      samples(emit) {
        for (const { labels, failures } of all) emit(labels, failures);
      },
    },
  ];
}

/** Metrics of failover; none without virtual routers. */
export function failoverFamilies(failover: FailoverSnapshot | undefined): MetricFamily[] {
  if (failover === undefined) return [];
  const { routers } = failover;
  return [
    {
      name: "appliance_vrrp_state",
      type: "gauge",
      help: "1 for the state of the virtual router",
      samples(emit) {
        for (const one of routers) {
          for (const state of states) {
            const labels = formatLabels(labelOf(one), formatLabel("state", state));
            emit(labels, one.state === state ? 1 : 0);
          }
        }
      },
    },
    ...routerFamilies(routers),
    {
      name: "appliance_vrrp_transitions_total",
      type: "counter",
      help: "Changes of state, by the state taken and the cause",
      samples(emit) {
        for (const one of routers) {
          for (const { to, cause, count: value } of one.transitionCauses ?? []) {
            const labels = [formatLabel("to", to), formatLabel("cause", cause)];
            emit(formatLabels(labelOf(one), ...labels), value);
          }
        }
      },
    },
    {
      name: "appliance_vrrp_advertisements_received_total",
      type: "counter",
      help: "Advertisements received, by what became of them",
      samples(emit) {
        for (const one of routers) {
          for (const [result, value] of Object.entries(one.advertisementsReceived)) {
            emit(formatLabels(labelOf(one), formatLabel("result", result)), value);
          }
        }
      },
    },
    ...threadFamilies(failover),
    ...resourceFamilies(routers),
    ...peerFamilies(failover.peer),
  ];
}
