/**
 * Schedulers: which real server gets the next connection.
 *
 * One file a scheduler, named as `ipvsadm -s` names it. To add one: add its name to
 * `schedulerNames` in src/model, write the file, add it to the table below; the contract test
 * (test/contract/scheduler.test.ts) then covers it. What each does, and where it differs from the
 * kernel's: docs/schedulers.md.
 *
 * @module
 */

import type { SchedulerName } from "../model/index.ts";
import { createDestinationHashing } from "./dh.ts";
import { createFailover } from "./fo.ts";
import { createLocalityLeastConnection } from "./lblc.ts";
import { createReplicatedLocality } from "./lblcr.ts";
import { createLeastConnection } from "./lc.ts";
import type { SchedulerClock } from "./locality.ts";
import { createMaglevHashing } from "./mh.ts";
import { createNeverQueue } from "./nq.ts";
import { createOverflow } from "./ovf.ts";
import { createRoundRobin } from "./rr.ts";
import type { Scheduler } from "./scheduler.ts";
import { createShortestExpectedDelay } from "./sed.ts";
import { createSourceHashing } from "./sh.ts";
import { createWeightedLeastConnection } from "./wlc.ts";
import { createWeightedRoundRobin } from "./wrr.ts";

export type { SchedulerClock } from "./locality.ts";
export { buildBucketTable } from "./bucket.ts";
export type { BucketTable } from "./bucket.ts";
export type { MaglevServer, MaglevTable } from "./maglev.ts";
export { buildMaglevTable, hashMaglevTable, slotOf } from "./maglev.ts";
export type { Candidate, Flow, Scheduler } from "./scheduler.ts";

/** Every scheduler by its `ipvsadm -s` name. */
const schedulers: Readonly<Record<SchedulerName, (clock?: SchedulerClock) => Scheduler>> = {
  rr: createRoundRobin,
  wrr: createWeightedRoundRobin,
  lc: createLeastConnection,
  wlc: createWeightedLeastConnection,
  sed: createShortestExpectedDelay,
  nq: createNeverQueue,
  sh: createSourceHashing,
  mh: createMaglevHashing,
  dh: createDestinationHashing,
  lblc: createLocalityLeastConnection,
  lblcr: createReplicatedLocality,
  fo: createFailover,
  ovf: createOverflow,
};

/**
 * Creates a scheduler without candidates.
 *
 * @param clock Lets lblc and lblcr forget destinations; the others read no clock.
 */
export function createScheduler(name: SchedulerName, clock?: SchedulerClock): Scheduler {
  return schedulers[name](clock);
}
