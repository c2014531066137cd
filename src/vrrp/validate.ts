/**
 * What cannot hold in the configuration of a virtual router, as data for the configuration layer,
 * which knows the file and the line. Pure.
 *
 * @module
 */

import type { Family } from "../net/address.ts";
import { addressesMax, intervalMsMax, intervalUnitMs, messageBytesOf } from "./advertisement.ts";
import { hmacTrailerBytes } from "./auth-hmac.ts";
import { backupPriorityMax, fitPriorityMin } from "./election.ts";
import { shortestTakeoverMs } from "./lease.ts";
import { deriveTiming } from "./timing.ts";
import type { Timing, TimingOptions } from "./timing.ts";

/** What one `[[vrrp]]` says. */
export interface RouterPlan extends TimingOptions {
  readonly family: Family;
  /** 1..255. */
  readonly priority: number;
  readonly addressCount: number;
  /** MTU of the interface in bytes. */
  readonly mtu: number;
  readonly hasHmac: boolean;
}

/** A rule that does not hold. `limit` is the number that `value` would have to keep. */
export interface RouterProblem {
  readonly code: RouterProblemCode;
  readonly value: number;
  readonly limit: number;
}

/**
 * - `down-after-short`: below three of the smallest intervals of the wire (30 ms, 3 s).
 * - `down-after-long`: above three of the largest.
 * - `interval-over-wire`: sends more rarely than the packet promises.
 * - `lease-missing`: the dead time leaves no lease; value and limit in ms.
 * - `lease-short`: one late wake-up would end it: less than two send intervals.
 * - `lease-long`: a listener may take over while it still runs.
 * - `priority-unfit`: a fit director has 10..254, or 255 as owner; below are the unfit ones.
 * - `family-version`: version 2 has no IPv6.
 * - `address-count`: 1..255 in the packet; more go to `excluded_addresses`.
 * - `packet-over-mtu`: the packet would be sent in fragments.
 */
export type RouterProblemCode =
  | "down-after-short"
  | "down-after-long"
  | "interval-over-wire"
  | "lease-missing"
  | "lease-short"
  | "lease-long"
  | "priority-unfit"
  | "family-version"
  | "address-count"
  | "packet-over-mtu";

/**
 * Problems of a lease against every listener. Exported for timings that were not derived here:
 * those of a running director, or of a peer.
 */
export function leaseProblems(
  timing: Timing,
  version: TimingOptions["version"],
): readonly RouterProblem[] {
  const { leaseMs, sendIntervalMs, wireIntervalMs } = timing;
  if (leaseMs <= 0) return [{ code: "lease-missing", value: leaseMs, limit: 1 }];
  const problems: RouterProblem[] = [];
  const renewalMs = 2 * sendIntervalMs;
  if (leaseMs < renewalMs) problems.push({ code: "lease-short", value: leaseMs, limit: renewalMs });
  const takeoverMs = shortestTakeoverMs(version, wireIntervalMs);
  if (leaseMs >= takeoverMs) {
    problems.push({ code: "lease-long", value: leaseMs, limit: takeoverMs });
  }
  return problems;
}

function packetProblems(plan: RouterPlan): readonly RouterProblem[] {
  const { version, family, addressCount } = plan;
  if (version === 2 && family === 6) return [{ code: "family-version", value: 2, limit: 3 }];
  if (addressCount < 1 || addressCount > addressesMax) {
    return [{ code: "address-count", value: addressCount, limit: addressesMax }];
  }
  const trailer = plan.hasHmac ? hmacTrailerBytes : 0;
  const ipBytes = family === 4 ? 20 : 40;
  const length = ipBytes + messageBytesOf(version, family, addressCount) + trailer;
  return length > plan.mtu ? [{ code: "packet-over-mtu", value: length, limit: plan.mtu }] : [];
}

/** Every problem of a plan; empty if there is none. */
export function routerProblems(plan: RouterPlan): readonly RouterProblem[] {
  const { version, downAfterMs, advertiseIntervalMs, priority } = plan;
  const problems: RouterProblem[] = [];
  const shortest = 3 * intervalUnitMs(version);
  const longest = 3 * intervalMsMax(version);
  if (downAfterMs < shortest) {
    problems.push({ code: "down-after-short", value: downAfterMs, limit: shortest });
  }
  if (downAfterMs > longest) {
    problems.push({ code: "down-after-long", value: downAfterMs, limit: longest });
  }
  const timing = deriveTiming(plan);
  if (advertiseIntervalMs > timing.wireIntervalMs) {
    const limit = timing.wireIntervalMs;
    problems.push({ code: "interval-over-wire", value: advertiseIntervalMs, limit });
  }
  if (priority < fitPriorityMin || priority > backupPriorityMax + 1) {
    problems.push({ code: "priority-unfit", value: priority, limit: fitPriorityMin });
  }
  return [...problems, ...leaseProblems(timing, version), ...packetProblems(plan)];
}
