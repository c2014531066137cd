/**
 * Instances that move together, by the name of their group. Pure.
 *
 * @module
 */

import type { Router } from "../vrrp/index.ts";

interface Member {
  readonly plan: { readonly group: string | undefined };
  readonly router: Router;
}

/** Members of one group, and their state machines in the same order. */
export interface InstanceGroup<M> {
  readonly members: M[];
  readonly routers: Router[];
}

/** The groups; who has none is in none. */
export function formGroups<M extends Member>(
  instances: readonly M[],
): ReadonlyMap<string, InstanceGroup<M>> {
  const groups = new Map<string, InstanceGroup<M>>();
  for (const instance of instances) {
    const name = instance.plan.group;
    if (name === undefined) continue;
    const group = groups.get(name) ?? { members: [], routers: [] };
    group.members.push(instance);
    group.routers.push(instance.router);
    groups.set(name, group);
  }
  return groups;
}
