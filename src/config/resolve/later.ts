/**
 * What the product has and this build does not: checked for its shape, then refused by name, so
 * that no setting is silently without effect.
 *
 * @module
 */

import { below } from "../document.ts";
import type { Place } from "../document.ts";
import type { Report } from "../report.ts";
import type { ServiceTable } from "../schema/index.ts";
import type { Sourced } from "../section.ts";

/** Refuses what this build cannot do of one service. */
export function refuseLater({ value, place }: Sourced<ServiceTable>, report: Report): void {
  const { forwarding, engine, mtu } = value;
  refuseEngine(engine, below(place, "engine"), report);
  if (mtu !== undefined) {
    report.later(below(place, "mtu"), "mtu", { expected: "no mtu", found: mtu });
  }
  if (forwarding !== "gate" && forwarding !== "ipip") return;
  for (const key of ["allow", "deny", "connection_limit"] as const) {
    const found = value[key];
    if (found === undefined || found === 0 || (Array.isArray(found) && found.length === 0))
      continue;
    const expected = `no ${key} beside forwarding "${forwarding}"`;
    report.later(below(place, key), `${key} in the kernel`, { expected, found });
  }
}

/** Refuses an engine that is still to come. */
export function refuseEngine(engine: string | undefined, place: Place, report: Report): void {
  if (engine !== "bpf") return;
  report.later(place, `engine "${engine}"`, { expected: '"auto" or "ipvs"', found: engine });
}
