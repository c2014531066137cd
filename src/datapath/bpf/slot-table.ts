/**
 * The slots from which the program takes real servers: computed here, so that it has nothing to do
 * but look one up. Pure.
 *
 * - rr, wrr: the servers in the order of a whole round, walked by a position that all processors
 *   share.
 * - mh: the Maglev table of the proxy's scheduler; directors with the same servers have the same.
 * - sh: the buckets of the proxy's scheduler.
 * - lc, wlc, sed, nq: none; the program looks for the member with the least load.
 *
 * Members are all servers that may get something, each once: who else could, if one is full.
 *
 * @module
 */

import type { SchedulerName } from "../../model/index.ts";
import { buildBucketTable, buildMaglevTable, createScheduler } from "../../scheduler/index.ts";
import type { Candidate } from "../../scheduler/index.ts";
import { schedulerKind } from "./layout.ts";

/** A round of wrr is cut here: shares are then off by less than one in a thousand. */
const roundMax = 4096;

/** A server that may be in a table. */
export interface SlotServer {
  readonly key: string;
  /** 0: it gets nothing new. */
  readonly weight: number;
  /** Its number in `servers`. */
  readonly index: number;
}

/** A computed table. */
export interface SlotTable {
  /** Of {@link schedulerKind}. */
  readonly scheduler: number;
  /** Numbers of servers; empty: only members are looked at. */
  readonly slots: Uint32Array;
  /** Empty: nobody may get anything new. */
  readonly members: Uint32Array;
  /** For sh: logarithm of the length. */
  readonly hashBits: number;
}

interface SlotCandidate extends Candidate {
  readonly index: number;
}

function candidateOf({ key, weight, index }: SlotServer): SlotCandidate {
  return {
    key,
    weight,
    index,
    addressWord: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    isOverloaded: false,
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** One round of rr or wrr. */
function buildRound(name: "rr" | "wrr", servers: readonly SlotServer[]): Uint32Array {
  const usable = servers.map(candidateOf);
  if (usable.length === 0) return new Uint32Array(0);
  const weights = usable.map(({ weight }) => (name === "rr" ? 1 : weight));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const length = Math.min(sum / weights.reduce(greatestCommonDivisor), roundMax);
  const numbers = new Map(usable.map(({ key, index }) => [key, index]));
  const scheduler = createScheduler(name);
  scheduler.update(usable);
  const flow = { sourceWord: 0, sourcePort: 0, destinationWord: 0, destinationPort: 0 };
  return Uint32Array.from({ length }, () => numbers.get(scheduler.pick(flow, [])!.key)!);
}

const schedulers = {
  rr: schedulerKind.turn,
  wrr: schedulerKind.turn,
  mh: schedulerKind.maglev,
  sh: schedulerKind.source,
  lc: schedulerKind.lc,
  wlc: schedulerKind.wlc,
  sed: schedulerKind.sed,
  nq: schedulerKind.nq,
} as const;

/** A scheduler that the program can do. */
export type SlotScheduler = keyof typeof schedulers;

/** True if the program can do what a scheduler does. */
export function hasSlotTable(name: SchedulerName): name is SlotScheduler {
  return Object.hasOwn(schedulers, name);
}

/** True if a scheduler looks at how many connections each server has. */
export function looksAtLoad(name: SchedulerName): boolean {
  return hasSlotTable(name) && schedulers[name] >= schedulerKind.lc;
}

type Slots = Pick<SlotTable, "slots" | "hashBits">;

/** Buckets of source hashing. */
function buildBuckets(usable: readonly SlotServer[]): Slots {
  const numbers = new Map(usable.map(({ key, index }) => [key, index]));
  const table = buildBucketTable(usable.map(candidateOf), ({ weight }) => weight);
  const slots = Uint32Array.from(table.buckets, (place) => {
    return numbers.get(table.servers[place]!.key)!;
  });
  return { slots, hashBits: table.bits };
}

function buildSlots(
  name: SlotScheduler,
  servers: readonly SlotServer[],
  usable: readonly SlotServer[],
): Slots {
  switch (name) {
    case "mh": {
      const table = buildMaglevTable(servers);
      return {
        slots: Uint32Array.from(table.slots, (place) => table.servers[place]!.index),
        hashBits: 0,
      };
    }
    case "sh":
      return buildBuckets(usable);
    case "rr":
    case "wrr":
      return { slots: buildRound(name, usable), hashBits: 0 };
    case "lc":
    case "wlc":
    case "sed":
    case "nq":
      return { slots: new Uint32Array(0), hashBits: 0 };
  }
}

/** Builds the table of a service from all of its servers, those with weight 0 too. */
export function buildSlotTable(name: SlotScheduler, servers: readonly SlotServer[]): SlotTable {
  const usable = servers.filter(({ weight }) => weight > 0);
  return {
    scheduler: schedulers[name],
    members: Uint32Array.from(usable, ({ index }) => index),
    ...buildSlots(name, servers, usable),
  };
}
