/**
 * The state of a virtual router as plain data, for another process of the same host to go on with.
 *
 * Both processes have the same monotonic clock, so times stay what they are. What a version does
 * not know it leaves at what a new router has. Pure.
 *
 * @module
 */

import type { PeerView } from "./peer-view.ts";
import type { Router } from "./router.ts";

/** A number; JSON has no infinities, so they are texts. */
type CarriedNumber = number | "Infinity" | "-Infinity";
type Carried = boolean | CarriedNumber | readonly CarriedNumber[];

/** Fields of a record by name. */
type CarriedRecord = Readonly<Record<string, Carried>>;

/** A router without its options. */
export interface CarriedRouter {
  readonly router: CarriedRecord;
  readonly peer: CarriedRecord;
}

type Bytes = Uint8Array | Float64Array;

function isBytes(value: unknown): value is Bytes {
  return value instanceof Uint8Array || value instanceof Float64Array;
}

function carryNumber(value: number): CarriedNumber {
  if (Number.isFinite(value)) return value;
  return value > 0 ? "Infinity" : "-Infinity";
}

function carryRecord(record: object): CarriedRecord {
  const carried: Record<string, Carried> = {};
  for (const [name, value] of Object.entries(record)) {
    if (typeof value === "boolean") carried[name] = value;
    else if (typeof value === "number") carried[name] = carryNumber(value);
    else if (isBytes(value)) carried[name] = Array.from(value, carryNumber);
  }
  return carried;
}

function restoreRecord(record: object, carried: CarriedRecord): void {
  for (const [name, before] of Object.entries(record)) {
    const value = carried[name];
    if (isBytes(before) && Array.isArray(value)) {
      before.set(value.slice(0, before.length).map(Number));
    } else if (typeof before === "boolean" && typeof value === "boolean") {
      Reflect.set(record, name, value);
    } else if (typeof before === "number" && value !== undefined && !Array.isArray(value)) {
      Reflect.set(record, name, Number(value));
    }
  }
}

/** Everything about `router` that is not in its options. */
export function carryRouter(router: Router): CarriedRouter {
  return { router: carryRecord(router), peer: carryRecord(router.peer) };
}

/** Makes `router` go on where another one of the same options was. */
export function restoreRouter(router: Router, carried: CarriedRouter): void {
  restoreRecord(router, carried.router);
  const peer: PeerView = router.peer;
  restoreRecord(peer, carried.peer);
}
