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
import type { Serving } from "./serving-hold.ts";

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

/** How the services of one virtual router are served. */
export interface RouterServing extends Serving {
  readonly name: string;
}

/** The same as judged, and how long it takes until the other director has seen it, too. */
export interface ServingVerdict extends RouterServing {
  readonly settleMs: number;
}

/**
 * A check of the other director may be that far away from one of this: an interval, and half of one
 * more for a check that has just begun.
 */
const intervalsToSettle = 2;

/** Virtual routers that move together. */
interface Unit {
  readonly routers: readonly VirtualRouter[];
  isServing: boolean;
  liveServers: number;
  /** Longest interval of the checks of its services, ms. */
  intervalMs: number;
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

/** How the services of each virtual router are served. */
export function judgeServing(
  routers: readonly VirtualRouter[],
  services: Iterable<JudgedService>,
): readonly ServingVerdict[] {
  const units = unitsOf(routers).map<Unit>((members) => {
    return { routers: members, isServing: true, liveServers: 0, intervalMs: 0 };
  });
  const places: Places = { byAddress: new Map(), byName: new Map() };
  for (const unit of units) {
    for (const { name, addresses } of unit.routers) {
      places.byName.set(name, unit);
      for (const { address } of addresses) places.byAddress.set(address, unit);
    }
  }
  for (const service of services) countService(service, concerned(service, places) ?? units);
  return units.flatMap(({ routers: members, isServing, liveServers, intervalMs }) =>
    members.map(({ name }) => {
      return { name, isServing, liveServers, settleMs: intervalMs * intervalsToSettle };
    }),
  );
}

/** One verdict for each virtual router, from how its services are served and what it tracks. */
export function judgeRouters(
  routers: readonly VirtualRouter[],
  servings: readonly RouterServing[],
  isUp: IsUp,
): readonly RouterVerdict[] {
  const byName = new Map(servings.map((serving) => [serving.name, serving]));
  return unitsOf(routers).flatMap((unit) => verdictsOf(unit, byName, isUp));
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

function countService({ service, servers, state }: JudgedService, units: Iterable<Unit>): void {
  let liveServers = 0;
  for (const { health } of servers) if (health === "up") liveServers++;
  let intervalMs = 0;
  for (const { check } of service.realServers) intervalMs = Math.max(intervalMs, check.intervalMs);
  for (const unit of units) {
    if (state !== "up") unit.isServing = false;
    unit.liveServers += liveServers;
    unit.intervalMs = Math.max(unit.intervalMs, intervalMs);
  }
}

function verdictsOf(
  unit: readonly VirtualRouter[],
  servings: ReadonlyMap<string, RouterServing>,
  isUp: IsUp,
): RouterVerdict[] {
  const targets = trackedBy(unit);
  // Who knows nothing yet of a script has no reason to be unfit.
  const isWell = targets.every((target) => target.type !== "script" || isUp(target) !== false);
  return unit.map(({ name, witness }) => {
    const { isServing, liveServers } = servings.get(name)!;
    const isWitnessReached = reachesWitness(targets, isUp, witness === "require");
    return { name, isFit: isServing && isWell, liveServers, isWitnessReached };
  });
}

/** True if a ping answers. What is not known yet is enough where a witness is no condition. */
function reachesWitness(targets: readonly TrackTarget[], isUp: IsUp, isRequired: boolean): boolean {
  const answers = targets.flatMap((target) => (target.type === "ping" ? [isUp(target)] : []));
  if (answers.length === 0 || answers.includes(true)) return true;
  return !isRequired && answers.includes(undefined);
}
