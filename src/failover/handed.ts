/**
 * What a director tells of its virtual routers to the one that replaces it, before it hands them
 * over: both must mean the same by them.
 *
 * Secrets are left out: the new one reads them itself. Pure.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import type { InstancePlan, PeerPlan } from "./plan.ts";

/** A plan without what may change while it is in force; keys are said to be there, or not. */
type HandedPlan = Omit<InstancePlan, "drainMs" | "keys"> & { readonly hasKeys: boolean };

/** Virtual routers of a director that runs. */
export interface HandedFailover {
  readonly plans: readonly HandedPlan[];
  readonly peer: Pick<PeerPlan, "address" | "port"> | undefined;
  /** Folder of the fence's pins; undefined: there is no fence. */
  readonly fencePins: string | undefined;
}

/** Plans, peer and place of the fence of one director. */
export interface FailoverFacts {
  readonly plans: readonly InstancePlan[];
  readonly peer: PeerPlan | undefined;
  readonly fencePins: string | undefined;
}

/** What another process needs to know. */
export function describeFailover({ plans, peer, fencePins }: FailoverFacts): HandedFailover {
  return {
    plans: plans.map(({ keys, drainMs: _drainMs, ...plan }) => ({
      ...plan,
      hasKeys: keys !== undefined,
    })),
    peer: peer && { address: peer.address, port: peer.port },
    fencePins,
  };
}

/** True if `own` has everything that `handed` has; a later version may have more. */
function covers(handed: object, own: object): boolean {
  return Object.entries(handed).every(
    ([name, value]) => JSON.stringify(value) === JSON.stringify(Reflect.get(own, name)),
  );
}

function isSame(handed: HandedFailover, own: HandedFailover): boolean {
  if (handed.plans.length !== own.plans.length) return false;
  if ((handed.peer === undefined) !== (own.peer === undefined)) return false;
  if (handed.peer !== undefined && !covers(handed.peer, own.peer!)) return false;
  return handed.plans.every((plan) => {
    const same = own.plans.find(({ name }) => name === plan.name);
    return same !== undefined && covers(plan, same);
  });
}

/**
 * Holds a successor to what it is handed.
 *
 * @throws {ApplianceError} `UPGRADE_REFUSED` if it would have other virtual routers, or another
 *   kind of fence.
 */
export function requireSameFailover(handed: HandedFailover, facts: FailoverFacts): void {
  const own = describeFailover(facts);
  if (handed.fencePins !== own.fencePins) {
    const text = "The new version has a fence of another layout: restart the director instead";
    throw new ApplianceError("UPGRADE_REFUSED", text);
  }
  if (isSame(handed, own)) return;
  const text =
    "The virtual routers of the configuration are not those that run: type appliance reload first";
  throw new ApplianceError("UPGRADE_REFUSED", text);
}
