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

/** Refuses what this build cannot do of one service; warns of what it does otherwise. */
export function refuseLater({ value, place }: Sourced<ServiceTable>, report: Report): void {
  const { forwarding, engine, fwmark, mtu, listen } = value;
  if (forwarding === "gate" || forwarding === "ipip") {
    report.later(below(place, "forwarding"), `forwarding "${forwarding}"`, {
      expected: '"proxy" or "masq"',
      found: forwarding,
    });
  }
  if (forwarding === "masq") {
    report.warn(
      below(place, "forwarding"),
      'Forwarding "masq" runs on the proxy here: real servers see the address of the director',
    );
  }
  refuseEngine(engine, below(place, "engine"), report);
  if (fwmark !== undefined) {
    const finding = { expected: "the key listen instead", found: fwmark };
    report.later(below(place, "fwmark"), "fwmark", finding);
  }
  if (mtu !== undefined) {
    report.later(below(place, "mtu"), "mtu", { expected: "no mtu", found: mtu });
  }
  for (const [index, { portFirst }] of (listen ?? []).entries()) {
    if (portFirst !== 0) continue;
    const finding = { expected: "a port 1..65535", foundText: "port 0" };
    report.later(below(place, "listen", index), "port 0 for all ports", finding);
  }
}

/** Refuses an engine other than `auto`. */
export function refuseEngine(engine: string | undefined, place: Place, report: Report): void {
  if (engine === undefined || engine === "auto") return;
  report.later(place, `engine "${engine}"`, { expected: '"auto"', found: engine });
}
