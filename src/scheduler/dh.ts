/**
 * Destination hashing (`dh`): connections to one destination address get the same real server.
 * Weights count only as 0 or not 0. Meant for transparent caches; on a service with one virtual
 * address it uses one server. Source: net/netfilter/ipvs/ip_vs_dh.c, ipvsadm(8).
 *
 * @module
 */
import { buildBucketTable, emptyBucketTable, pickFromBuckets } from "./bucket.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a destination-hashing scheduler. */
export function createDestinationHashing(): Scheduler {
  let table = emptyBucketTable;

  return {
    name: "dh",

    update(next) {
      table = buildBucketTable(next, () => 1);
    },

    pick(flow, tried) {
      return pickFromBuckets(table, flow.destinationWord, tried);
    },
  };
}
