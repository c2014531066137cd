/**
 * What the real-time thread tells, in the words of the event log. Pure.
 *
 * @module
 */

import type { RealtimeEvent } from "../failover/index.ts";
import { peerReport } from "./peer.ts";
import type { Report } from "./report.ts";

/** A report without what all of failover have in common. */
export type FailoverReport = Omit<Report, "kind">;

type EventOf<T extends RealtimeEvent["type"]> = Extract<RealtimeEvent, { readonly type: T }>;
type Cause = EventOf<"cause">["cause"];

/**
 * What a cause means that changed no state: why a backup that could be active is not, or what an
 * active director puts right. Causes that are not here are told in other ways.
 */
const meanings: Readonly<Partial<Record<Cause, string>>> = {
  carrier: "is not active: an interface that it needs has no carrier",
  fence: "is not active: the fence is not on an interface with an address of it",
  witness: "is not active: it reaches no ping of track",
  "foreign-holder": "is not active: another node answers for an address",
  "clock-alarm": "is not active yet: the clock of another director has jumped",
  startup: "is not active yet: start_delay is not over",
  "address-lost": "had an address removed by somebody else, and put it back",
};

type Reporters = {
  readonly [K in RealtimeEvent["type"]]?: (event: EventOf<K>) => readonly FailoverReport[];
};

/** Those of a change of state are made where its programs are run. */
const reporters: Reporters = {
  started: startReports,
  cause: causeReports,
  conflict: (event) => [conflictReport(event)],
  holder: (event) => [holderReport(event)],
  trouble: ({ text }) => [{ level: "warning", name: "vrrp", text }],
  adopted: ({ gapMs }) => {
    const text = `Virtual routers taken over, ${gapMs.toFixed(1)} ms after their last sign of life`;
    return [{ level: "info", name: "vrrp", text }];
  },
  fence: ({ fence }) => [gapReport(fence)],
  "fence-repaired": ({ device, fault }) => {
    const text = `The fence on ${device} was put back: it was ${fault}`;
    return [{ level: "error", name: "fence", text }];
  },
  peer: (event) => [peerReport(event)],
  "peer-comparison": (event) => [peerReport(event)],
};

function reportsFrom<K extends RealtimeEvent["type"]>(
  event: EventOf<K> & { readonly type: K },
): readonly FailoverReport[] {
  const reporter: Reporters[K] = reporters[event.type];
  return reporter?.(event) ?? [];
}

/** Reports of an event. */
export function reportsOf(event: RealtimeEvent): readonly FailoverReport[] {
  return reportsFrom(event);
}

function startReports({ threadClass, fence }: EventOf<"started">): FailoverReport[] {
  const reports: FailoverReport[] = [];
  if (fence.kind === "nft") {
    const text = "The fence is one of nf_tables, kept by the guard: bpf is not to be had";
    reports.push({ level: "warning", name: "fence", text, reason: fence.reason });
  }
  if (fence.kind === "none") {
    const text = "There is no fence: a director that hangs may go on answering";
    reports.push({ level: "error", name: "fence", text, reason: fence.reason });
  }
  if (threadClass.kind !== "fifo") {
    const text = "The real-time thread has no real-time priority: takeovers may be false or late";
    reports.push({ level: "warning", name: "vrrp", text, reason: threadClass.reason });
  }
  return reports;
}

function gapReport({ gaps }: EventOf<"fence">["fence"]): FailoverReport {
  if (gaps.length === 0) {
    return { level: "info", name: "fence", text: "The fence is on every interface again" };
  }
  const names = gaps.map((gap) => gap.interface).join(", ");
  const text = `The fence is not on ${names}: no virtual router is active there`;
  const reason = [...new Set(gaps.map((gap) => gap.reason))].join("; ");
  return { level: "error", name: "fence", text, reason };
}

function causeReports({ instance, cause }: EventOf<"cause">): FailoverReport[] {
  const meaning = meanings[cause];
  if (meaning === undefined) return [];
  return [{ level: "warning", name: "vrrp-cause", text: `${instance} ${meaning} (${cause})` }];
}

function conflictReport({ instance, address, mac }: EventOf<"conflict">): FailoverReport {
  const what = `${address}, which ${instance} has here: it is announced again`;
  const text = `${nodeOf(mac)} claims ${what}`;
  return { level: "error", name: "vrrp-conflict", text };
}

function holderReport({ instance, address, mac, isThere }: EventOf<"holder">): FailoverReport {
  if (!isThere) {
    const text = `Nobody else answers for ${address} of ${instance} any more`;
    return { level: "info", name: "vrrp-holder", text };
  }
  const text =
    `${nodeOf(mac)} answers for ${address} of ${instance} and advertises nothing: ` +
    `take the address off it, or say 'appliance takeover ${instance} --force'`;
  return { level: "error", name: "vrrp-holder", text };
}

/** A change of state; the log has which, to what, and why in one line. */
export function stateReport(
  { instance, state, cause }: EventOf<"state">,
  addresses: readonly string[],
): FailoverReport {
  const isActive = state === "active";
  const where = isActive ? `: ${addresses.join(" ")}` : "";
  const isExpected = isActive || cause === "startup" || cause === "shutdown";
  const text = `${instance} is ${state} (${cause})${where}`;
  return { level: isExpected ? "info" : "warning", name: "vrrp-state", text };
}

function nodeOf(mac: string): string {
  return mac === "" ? "Another node" : `The node with MAC address ${mac}`;
}
