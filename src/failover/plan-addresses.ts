/**
 * Virtual addresses of all plans of a director. Pure.
 *
 * @module
 */

import type { InstancePlan } from "./plan.ts";

type Placed = Pick<InstancePlan, "addresses" | "slot">;

/** All of them. */
export function virtualAddresses(plans: readonly Pick<Placed, "addresses">[]): Set<string> {
  return new Set(plans.flatMap(({ addresses }) => addresses.map((one) => one.address)));
}

/** The slot that each belongs to. */
export function slotsByAddress(plans: readonly Placed[]): ReadonlyMap<string, number> {
  const slots = plans.flatMap(({ slot, addresses }) =>
    addresses.map(({ address }) => [address, slot] as const),
  );
  return new Map(slots);
}
