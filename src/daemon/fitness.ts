/**
 * How fit a director is for each virtual router: by its services and by what it tracks. Pure.
 *
 * Virtual routers of one group move together, so they are judged together. A service counts for
 * those that it belongs to, else for those that have an address it listens on; one that listens on
 * no virtual address counts for all.
 *
 * @module
 */

import type { AskedTarget } from "../check/index.ts";
import type { Fitness } from "../failover/index.ts";
import type { TrackTarget, VirtualRouter } from "../model/index.ts";
import type { ServiceAssessment } from "./assessment.ts";

/** What one virtual router is told. */
export interface RouterVerdict extends Fitness {
  readonly name: string;
  /** Whether a ping answers; true if there is none. */
  readonly isWitnessReached: boolean;
}

/** What of an assessment matters here. */
export type JudgedService = Pick<ServiceAssessment, "service" | "servers" | "state">;

/** Says of a target whether it is up; undefined: nothing is known yet. */
export type IsUp = (target: AskedTarget) => boolean | undefined;

/** Virtual routers that move together. */
interface Unit {
  readonly routers: VirtualRouter[];
  isServing: boolean;
  liveServers: number;
}

/** Virtual routers by what moves together: a group, or one that has none. */
export function unitsOf(routers: readonly VirtualRouter[]): readonly (readonly VirtualRouter[])[] {
  const units = new Map<string, VirtualRouter[]>();
  for (const router of routers) {
    const key = router.group === undefined ? `router ${router.name}` : `group ${router.group}`;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, [router]);
    else unit.push(router);
  }
  return [...units.values()];
}

/** Everything that virtual routers that move together track. */
export function trackedBy(unit: readonly VirtualRouter[]): readonly TrackTarget[] {
  return unit.flatMap(({ track }) => track);
}

/** One verdict for each virtual router. */
export function judgeRouters(
  routers: readonly VirtualRouter[],
  services: Iterable<JudgedService>,
  isUp: IsUp,
): readonly RouterVerdict[] {
  const units = unitsOf(routers).map<Unit>((members) => {
    return { routers: [...members], isServing: true, liveServers: 0 };
  });
  const places: Places = { byAddress: new Map(), byName: new Map() };
  for (const unit of units) {
    for (const { name, addresses } of unit.routers) {
      places.byName.set(name, unit);
      for (const { address } of addresses) places.byAddress.set(address, unit);
    }
  }
  for (const service of services) countService(service, concerned(service, places) ?? units);
  return units.flatMap((unit) => verdictsOf(unit, isUp));
}

/** Where a unit is found. */
interface Places {
  readonly byAddress: Map<string, Unit>;
  /** By the name of a virtual router. */
  readonly byName: Map<string, Unit>;
}

/** Units that the service belongs to, or that have an address of it; undefined: there is none. */
function concerned(
  { service: { routers, listen } }: JudgedService,
  { byAddress, byName }: Places,
): Iterable<Unit> | undefined {
  const found = new Set<Unit>();
  const units =
    routers?.map((name) => byName.get(name)) ?? listen.map(({ address }) => byAddress.get(address));
  for (const unit of units) if (unit !== undefined) found.add(unit);
  return found.size === 0 ? undefined : found;
}

function countService({ servers, state }: JudgedService, units: Iterable<Unit>): void {
  let liveServers = 0;
  for (const { health } of servers) if (health === "up") liveServers++;
  for (const unit of units) {
    if (state !== "up") unit.isServing = false;
    unit.liveServers += liveServers;
  }
}

function verdictsOf({ routers, isServing, liveServers }: Unit, isUp: IsUp): RouterVerdict[] {
  const targets = trackedBy(routers);
  // Who knows nothing yet of a script has no reason to be unfit.
  const isFit =
    isServing && targets.every((target) => target.type !== "script" || isUp(target) !== false);
  return routers.map(({ name, witness }) => {
    const isWitnessReached = reachesWitness(targets, isUp, witness === "require");
    return { name, isFit, liveServers, isWitnessReached };
  });
}

/** True if a ping answers. What is not known yet is enough where a witness is no condition. */
function reachesWitness(targets: readonly TrackTarget[], isUp: IsUp, isRequired: boolean): boolean {
  const answers = targets.flatMap((target) => (target.type === "ping" ? [isUp(target)] : []));
  if (answers.length === 0 || answers.includes(true)) return true;
  return !isRequired && answers.includes(undefined);
}
