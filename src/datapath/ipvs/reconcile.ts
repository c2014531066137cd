/**
 * From what the kernel has to what it is to have: the commands that make the difference, in an
 * order in which a service that has servers is never without any. Pure.
 *
 * @module
 */

import { formatEndpoint } from "../../net/address.ts";
import type {
  IpvsDestination,
  IpvsDestinationKey,
  IpvsDestinationSettings,
  IpvsService,
  IpvsServiceKey,
  IpvsServiceSettings,
} from "../../netlink/generic/index.ts";
import { serviceId } from "./table.ts";
import type { WantedDestination, WantedService } from "./table.ts";

/** A service that the kernel has. */
export interface FoundService {
  readonly service: IpvsService;
  readonly destinations: readonly IpvsDestination[];
}

/** One request to the kernel. */
export type IpvsCommand = {
  /** Name of the virtual service; empty for what belongs to none any more. */
  readonly owner: string;
  readonly service: IpvsServiceKey;
  /** What is not as wanted, in words. */
  readonly difference: string;
} & (
  | { readonly type: "add-service" | "set-service"; readonly settings: IpvsServiceSettings }
  | { readonly type: "delete-service" }
  | {
      readonly type: "add-destination" | "set-destination";
      readonly destination: IpvsDestinationKey;
      readonly settings: IpvsDestinationSettings;
    }
  | { readonly type: "delete-destination"; readonly destination: IpvsDestinationKey }
);

/** What {@link planChanges} compares. */
export interface ReconcileOptions {
  readonly wanted: readonly WantedService[];
  /** By {@link serviceId}; may have more than is wanted. */
  readonly found: ReadonlyMap<string, FoundService>;
  /** Services made before, by {@link serviceId}; those not wanted any more are removed. */
  readonly owned: ReadonlyMap<string, IpvsServiceKey>;
}

type Values = Readonly<Record<string, unknown>>;

/** `weight is 5, not 1`, for each value that differs. */
function differences(found: Values, wanted: Values): readonly string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => !Bun.deepEquals(found[name], value))
    .map(([name, value]) => `${name} is ${textOf(found[name])}, not ${textOf(value)}`);
}

function textOf(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Settings of a service in ipvsadm's words; the mask only where it has a meaning. */
function serviceValues(settings: IpvsServiceSettings): Values {
  const { persistentSeconds } = settings;
  return {
    scheduler: settings.scheduler,
    flags: settings.schedulerFlags,
    persistence: persistentSeconds,
    mask: persistentSeconds === undefined ? undefined : settings.persistentBits,
    "one-packet": settings.isOnePacket,
    "persistence engine": settings.persistenceEngine,
  };
}

function destinationValues(settings: IpvsDestinationSettings): Values {
  const { method, tunnel } = settings;
  return {
    forwarding: method,
    weight: settings.weight,
    "upper threshold": settings.upperThreshold,
    "lower threshold": settings.lowerThreshold,
    // Of other methods the kernel may keep what a tunnel once had.
    tunnel: method === "ipip" ? tunnel : undefined,
  };
}

function planDestinations(
  { key: service, destinations, owner }: WantedService,
  found: readonly IpvsDestination[],
): IpvsCommand[] {
  const changes: IpvsCommand[] = [];
  const left = new Map(found.map((one) => [formatEndpoint(one), one]));
  // Who gets a weight comes before who loses it, and both before who goes.
  const rank = ({ settings }: WantedDestination): number => (settings.weight > 0 ? 0 : 1);
  const present = destinations.filter(({ isPresent }) => isPresent);
  for (const { key, settings } of present.toSorted((a, b) => rank(a) - rank(b))) {
    const id = formatEndpoint(key);
    const known = left.get(id);
    left.delete(id);
    const base = { owner, service, destination: key, settings };
    if (known === undefined) {
      const difference = `${id} is missing in ${serviceId(service)}`;
      changes.push({ ...base, type: "add-destination", difference });
      continue;
    }
    const different = differences(destinationValues(known), destinationValues(settings));
    if (different.length === 0) continue;
    const difference = `${id} in ${serviceId(service)}: ${different.join(", ")}`;
    changes.push({ ...base, type: "set-destination", difference });
  }
  for (const [id, { address, port }] of left) {
    const difference = `${id} is in ${serviceId(service)}, but is not configured`;
    const destination = { address, port };
    changes.push({ owner, service, destination, type: "delete-destination", difference });
  }
  return changes;
}

function planService(wanted: WantedService, found: FoundService | undefined): IpvsCommand[] {
  const { key: service, settings, owner } = wanted;
  const base = { owner, service, settings };
  if (found === undefined) {
    const difference = `${serviceId(service)} is missing`;
    return [{ ...base, type: "add-service", difference }, ...planDestinations(wanted, [])];
  }
  const different = differences(serviceValues(found.service), serviceValues(settings));
  const changes = planDestinations(wanted, found.destinations);
  if (different.length === 0) return changes;
  const difference = `${serviceId(service)}: ${different.join(", ")}`;
  return [{ ...base, type: "set-service", difference }, ...changes];
}

/** Commands that make the kernel's table what is wanted; none for what is right already. */
export function planChanges({ wanted, found, owned }: ReconcileOptions): readonly IpvsCommand[] {
  const ids = new Set(wanted.map(({ key }) => serviceId(key)));
  const removals: IpvsCommand[] = [];
  for (const [id, service] of owned) {
    if (ids.has(id) || !found.has(id)) continue;
    const difference = `${id} is not configured any more`;
    removals.push({ owner: "", service, type: "delete-service", difference });
  }
  return [
    ...removals,
    ...wanted.flatMap((service) => planService(service, found.get(serviceId(service.key)))),
  ];
}
