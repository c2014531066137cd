/**
 * Source hashing (`sh`): the same client gets the same real server, as long as the set of servers
 * stays as it is. Weighted, 256 buckets, with the behaviour of the kernel's flag `sh-fallback`: if
 * the server cannot take it, the next bucket's server does. A change of the set or of a weight
 * moves many clients; `mh` moves few. Source: net/netfilter/ipvs/ip_vs_sh.c, ipvsadm(8).
 *
 * @module
 */
import { buildBucketTable, emptyBucketTable, pickFromBuckets } from "./bucket.ts";
import type { Scheduler } from "./scheduler.ts";

/** Creates a source-hashing scheduler. */
export function createSourceHashing(): Scheduler {
  let table = emptyBucketTable;

  return {
    name: "sh",

    update(next) {
      table = buildBucketTable(next, ({ weight }) => weight);
    },

    pick(flow, tried) {
      return pickFromBuckets(table, flow.sourceWord, tried);
    },
  };
}
