/**
 * What the product has and this build does not: checked for its shape, then refused by name, so
 * that no setting is silently without effect.
 *
 * @module
 */

import { below } from "../document.ts";
import type { Report } from "../report.ts";
import type { ServiceTable } from "../schema/index.ts";
import type { Sourced } from "../section.ts";

/** Refuses what this build cannot do of one service. */
export function refuseLater({ value, place }: Sourced<ServiceTable>, report: Report): void {
  const { mtu } = value;
  if (mtu === undefined) return;
  report.later(below(place, "mtu"), "mtu", { expected: "no mtu", found: mtu });
}
