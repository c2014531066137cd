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
  witness: "is not active: it reaches no ping of track",
  "foreign-holder": "is not active: another node answers for an address",
  "clock-alarm": "is not active yet: the clock of another director has jumped",
  startup: "is not active yet: start_delay is not over",
  "address-lost": "had an address removed by somebody else, and put it back",
};

/** Reports of an event; those of a change of state are made where its programs are run. */
export function reportsOf(event: RealtimeEvent): readonly FailoverReport[] {
  switch (event.type) {
    case "started":
      return startReports(event);
    case "cause":
      return causeReports(event);
    case "conflict":
      return [conflictReport(event)];
    case "holder":
      return [holderReport(event)];
    case "trouble":
      return [{ level: "warning", name: "vrrp", text: event.text }];
    case "fence-repaired": {
      const text = `The fence on ${event.device} was put back: it was ${event.fault}`;
      return [{ level: "error", name: "fence", text }];
    }
    case "peer":
    case "peer-configuration":
      return [peerReport(event)];
    case "state":
    case "ask-witness":
    case "done":
      return [];
  }
}

function startReports({ threadClass, fence }: EventOf<"started">): FailoverReport[] {
  const reports: FailoverReport[] = [];
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
