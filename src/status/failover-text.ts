/**
 * Facts of failover in the words that the page and the command line share. Pure.
 *
 * @module
 */

import type { VirtualRouterSnapshot } from "./failover.ts";
import { formatCount } from "./human.ts";

/** Longer than any usual time until a takeover: who was silent for that long may be gone. */
const silentMs = 5000;

/** Causes of a state in words. One that is not here is shown as it is. */
const causes: Readonly<Record<string, string>> = {
  startup: "the director started",
  shutdown: "the director stops",
  owner: "its priority is 255",
  silence: "the active director fell silent",
  resignation: "the active director resigned",
  preempt: "it has the higher priority",
  outranked: "another director has the higher rank",
  yielded: "the peer asked for it",
  unfit: "the peer is fitter",
  witness: "no ping of track is answered",
  carrier: "an interface has no carrier",
  guard: "the guard acted",
  stall: "the real-time thread had stalled",
  "send-failure": "advertisements cannot be sent",
  "address-lost": "an address was removed by somebody else",
  standby: "an operator said standby",
  takeover: "an operator said takeover",
  group: "another member of its group",
  "foreign-holder": "another node answers for an address",
  "clock-alarm": "the clock of another director has jumped",
  conflict: "another node claimed an address",
  fence: "the fence is not on an interface with an address",
};

/** A cause in words, its one word in brackets as logs and metrics have it. */
export function causeText(cause: string): string {
  const text = Object.hasOwn(causes, cause) ? causes[cause] : undefined;
  return text === undefined ? cause : `${text} (${cause})`;
}

/** True if the virtual router may answer for its addresses. */
export function isAnswering({ state, leaseRemainingMs }: VirtualRouterSnapshot): boolean {
  return state === "active" && leaseRemainingMs > 0;
}

/** Who owns the addresses, as far as this director knows. */
export function ownerText(router: VirtualRouterSnapshot, nowMs: number): string {
  const { state, heard } = router;
  if (isAnswering(router)) return "this director";
  if (state === "active") return "nobody here: the lease ran out";
  if (heard === null) return "not known: nobody was heard";
  // Priority 0 says that the sender gives the addresses up (RFC 9568, section 5.2.4).
  if (heard.priority === 0) return `not known: ${heard.address} resigned`;
  const isSilent = nowMs - Date.parse(heard.at) > silentMs;
  return isSilent ? `not known: ${heard.address} fell silent` : heard.address;
}

/** Why a virtual router is in its state, what holds it back, and who claimed its addresses. */
export function whyText({ cause, blockedBy, conflicts }: VirtualRouterSnapshot): string {
  const parts: string[] = [];
  if (blockedBy !== null) parts.push(`held back: ${causeText(blockedBy)}`);
  if (blockedBy !== cause) parts.push(causeText(cause));
  if (conflicts > 0) {
    const times = conflicts === 1 ? "once" : `${formatCount(conflicts)} times`;
    parts.push(`another node claimed an address ${times}`);
  }
  return parts.join("; ");
}

/** What runs where the addresses are, and what should but does not; empty without resources. */
export function resourcesText({ resources = [] }: VirtualRouterSnapshot): string {
  return resources
    .map(({ name, state, reason }) => {
      return reason === "" ? `${name} is ${state}` : `${name} is ${state}: ${reason}`;
    })
    .join("; ");
}
