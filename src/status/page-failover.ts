/**
 * The part of the live page about failover: who owns each address, and what keeps this director
 * from answering when it must not. Pure.
 *
 * @module
 */

import { causeText, isAnswering, ownerText, resourcesText, whyText } from "./failover-text.ts";
import type { FailoverSnapshot, TrackedSnapshot, VirtualRouterSnapshot } from "./failover.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { formatCount, formatSpan } from "./human.ts";
import { badge, cellView, fact, rowView, tableView, timeView } from "./page-part.ts";
import type { Column, Tone } from "./page-part.ts";
import type { PeerSnapshot } from "./peer.ts";

/** Addresses of a virtual router that are shown at once; the rest on request. */
const openAddressesMax = 6;
/** Tracked pings and scripts that are shown. */
const trackedMax = 30;
/** Rows of the table; a director may have 255 numbers on each of many interfaces. */
const routersMax = 300;

const stateBadges: Readonly<Record<VirtualRouterSnapshot["state"], Html>> = {
  active: badge("good", "● active"),
  backup: badge("good", "○ backup"),
  initialize: badge("warn", "■ not running"),
};

function stateBadge(router: VirtualRouterSnapshot): Html {
  if (router.state === "active" && !isAnswering(router)) {
    return badge("bad", "✕ active without lease");
  }
  if (router.drainRemainingMs > 0) return badge("warn", `▲ ${router.state}, draining`);
  if (router.blockedBy !== null) return badge("warn", `▲ ${router.state}, blocked`);
  return stateBadges[router.state];
}

const columns = {
  name: { name: "Virtual router" },
  owner: { name: "Owner" },
  state: { name: "State here" },
  since: { name: "Since" },
  lease: { name: "Lease", kind: "number" },
  priority: { name: "Priority", kind: "number" },
  heard: { name: "Heard", kind: "line" },
  why: { name: "Why", kind: "wide" },
} as const satisfies Record<string, Column>;

function nameView({ name, vrid, addresses }: VirtualRouterSnapshot): Html {
  const shown = addresses.slice(0, openAddressesMax).join(" ");
  const rest = addresses.slice(openAddressesMax);
  const more =
    rest.length === 0
      ? undefined
      : markup`<details><summary>${formatCount(rest.length)} more addresses</summary>
${rest.join(" ")}</details>`;
  return markup`${name} <span class="soft">VRID ${vrid}</span>
<span class="address">${shown}</span>${more}`;
}

function heardView({ heard }: VirtualRouterSnapshot, nowMs: number): Html {
  if (heard === null) return markup`nobody`;
  return markup`${heard.address}, priority ${heard.priority}, ${timeView(heard.at, nowMs)}`;
}

function routerRow(router: VirtualRouterSnapshot, nowMs: number): Html {
  const lease = router.leaseRemainingMs === 0 ? "none" : formatSpan(router.leaseRemainingMs);
  return rowView(router.name, nameView(router), [
    cellView(columns.owner, ownerText(router, nowMs)),
    cellView(columns.state, stateBadge(router)),
    cellView(columns.since, timeView(router.changedAt, nowMs)),
    cellView(columns.lease, lease),
    cellView(columns.priority, router.priority),
    cellView(columns.heard, heardView(router, nowMs)),
    cellView(columns.why, [whyText(router), resourcesText(router)].filter(Boolean).join("; ")),
  ]);
}

const comparisonTones: Readonly<Record<PeerSnapshot["configuration"], Tone>> = {
  same: "good",
  unknown: "warn",
  different: "warn",
};

function copyFacts({ copy }: PeerSnapshot): readonly Html[] {
  if (copy === null) return [];
  const { connected, complete, lagMs } = copy;
  const state = !connected
    ? badge("bad", "✕ not connected")
    : complete
      ? badge("good", "● complete")
      : badge("warn", "▲ not complete");
  return [
    fact("copy", state),
    ...(lagMs === null ? [] : [fact("copy there behind by", formatSpan(lagMs))]),
  ];
}

function peerView(peer: PeerSnapshot | undefined): Html | undefined {
  if (peer === undefined) return undefined;
  const { reachable, heardAgeMs, roundTripMs, configuration, tables } = peer;
  const facts = [
    fact("peer", reachable ? badge("good", "● reachable") : badge("bad", "✕ not reachable")),
    fact("heard", heardAgeMs === null ? "never" : `${formatSpan(heardAgeMs)} ago`),
    ...(roundTripMs === null ? [] : [fact("round trip", formatSpan(roundTripMs))]),
    fact("configuration", badge(comparisonTones[configuration], configuration)),
    ...(tables === "different" ? [fact("tables", badge(comparisonTones[tables], tables))] : []),
    ...copyFacts(peer),
  ];
  return markup`<ul class="facts" aria-label="Peer channel">${facts}</ul>
`;
}

/** What is wrong with the parts that keep an address from being answered for twice. */
export function protectionFaults({ fence, guard }: FailoverSnapshot): readonly string[] {
  const faults: string[] = [];
  if (fence.kind === "none") {
    const why = fence.reason === "" ? "" : ` (${fence.reason})`;
    faults.push(`No fence: a director that hangs may go on answering${why}`);
  }
  for (const gap of fence.gaps ?? []) {
    faults.push(
      `No fence on ${gap.interface}, and no virtual router is active there: ${gap.reason}`,
    );
  }
  if (!guard) {
    faults.push("No guard: if this director dies at once, its addresses stay on this host");
  }
  return faults;
}

const trackedBadges: Readonly<Record<TrackedSnapshot["state"], Html>> = {
  up: badge("good", "● up"),
  down: badge("bad", "✕ down"),
  unknown: badge("warn", "○ not yet asked"),
};

function trackedView(tracked: readonly TrackedSnapshot[]): Html | undefined {
  if (tracked.length === 0) return undefined;
  const facts = tracked
    .slice(0, trackedMax)
    .map(({ name, state, reason }) => fact(name, markup`${trackedBadges[state]} ${reason}`));
  return markup`<ul class="facts" aria-label="Tracked">${facts}</ul>
`;
}

/** What of `track` fails, each in a sentence. */
export function trackedFaults({ tracked }: FailoverSnapshot): readonly string[] {
  return tracked
    .filter(({ state }) => state === "down")
    .map(({ name, reason }) => `${name} is down${reason === "" ? "" : `: ${reason}`}`);
}

function fenceTone({ gaps = [] }: FailoverSnapshot["fence"]): "bad" | "good" {
  return gaps.length === 0 ? "good" : "bad";
}

function protectionView(failover: FailoverSnapshot): Html {
  const { fence, guard, fenceRepairs, lateWakeups, latenessMaxMs } = failover;
  const facts = [
    fact(
      "fence",
      fence.kind === "none" ? badge("bad", "✕ none") : badge(fenceTone(fence), `● ${fence.kind}`),
    ),
    fact("guard", guard ? badge("good", "● lives") : badge("bad", "✕ none")),
    ...(fenceRepairs === 0 ? [] : [fact("fence put back", formatCount(fenceRepairs))]),
    fact("late wake-ups", `${formatCount(lateWakeups)}, worst ${formatSpan(latenessMaxMs)}`),
  ];
  const faults = protectionFaults(failover).map((fault) => markup`<li>✕ ${fault}</li>`);
  const notice = faults.length === 0 ? undefined : markup`<ul class="notice bad">${faults}</ul>`;
  return markup`${notice}<ul class="facts" aria-label="Protection">${facts}</ul>
`;
}

/** Id of the part, for links. */
export const failoverId = "failover";

/** The part; nothing without virtual routers. */
export function failoverView(failover: FailoverSnapshot | undefined, nowMs: number): Html {
  if (failover === undefined) return markup``;
  const { routers, peer, tracked } = failover;
  const active = routers.filter(isAnswering).length;
  const count = `${formatCount(active)} of ${formatCount(routers.length)} virtual routers`;
  const caption = `This director owns the addresses of ${count}`;
  const rows = routers.slice(0, routersMax).map((router) => routerRow(router, nowMs));
  const table = tableView(caption, Object.values(columns), rows);
  return markup`<section id="${failoverId}" data-key="${failoverId}" aria-label="Failover">
<div class="title"><h2>Failover</h2></div>
${protectionView(failover)}${peerView(peer)}${trackedView(tracked)}${table}</section>`;
}

/** Of the headline: for how many virtual routers this director answers; empty without any. */
export function failoverHeadline(failover: FailoverSnapshot | undefined): string {
  if (failover === undefined) return "";
  const { routers } = failover;
  const active = routers.filter(isAnswering).length;
  const noun = routers.length === 1 ? "virtual router" : "virtual routers";
  return `active for ${formatCount(active)} of ${formatCount(routers.length)} ${noun}`;
}

/** A virtual router that an operator should look at, and why. */
export function routerFault(router: VirtualRouterSnapshot): string | undefined {
  const { state, blockedBy } = router;
  if (state === "initialize") return `is not running: ${causeText(router.cause)}`;
  if (state === "active" && !isAnswering(router)) return "is active, but its lease ran out";
  if (blockedBy !== null) return `is held back: ${causeText(blockedBy)}`;
  const failed = router.resources?.find((one) => one.state === "failed");
  return failed && `has ${failed.name} failed: ${failed.reason}`;
}

/** What is wrong with the peer channel; undefined if nothing is, or there is none. */
export function peerFault(peer: PeerSnapshot | undefined): string | undefined {
  if (peer === undefined) return undefined;
  if (!peer.reachable) return "The peer is not reachable on the peer channel";
  if (peer.configuration === "different") {
    return "The two directors have different services or virtual routers";
  }
  if (peer.tables === "different") {
    return "The two directors have different tables of scheduler mh: a takeover will move clients";
  }
  if (peer.copy?.connected !== false) return undefined;
  return "Clients and overrides are not copied: there is no connection to the peer";
}
