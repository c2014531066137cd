/**
 * Bucket tables of the hashing schedulers sh and dh: a fixed number of buckets, each naming one
 * real server, and the multiplicative hash that finds a flow's bucket. Pure.
 *
 * @module
 */
import { invariant } from "../errors/index.ts";
import { canTake, sortedByKey } from "./candidate.ts";
import type { Candidate } from "./scheduler.ts";

/** 256 buckets, as IP_VS_SH_TAB_BITS and IP_VS_DH_TAB_BITS of the kernel. */
const bucketBitsMin = 8;

/** With fewer buckets a server than this, shares would be too coarse: the table doubles. */
const bucketsPerServerMin = 4;

/** Buckets hold 16-bit numbers. */
const serversMax = 65_535;

/** Multiplier of Knuth's multiplicative hash: a prime near 2^32 divided by the golden ratio. */
const knuthMultiplier = 2_654_435_761;

/** A built table. */
export interface BucketTable {
  /** Servers with a weight above 0, sorted by key. */
  readonly servers: readonly Candidate[];
  /** Index into `servers`, for each bucket; the length is a power of two, or 0 without servers. */
  readonly buckets: Uint16Array;
  /** Logarithm of the number of buckets. */
  readonly bits: number;
}

/** A table that has no server. */
export const emptyBucketTable: BucketTable = {
  servers: [],
  buckets: new Uint16Array(0),
  bits: bucketBitsMin,
};

/** Bucket of an address: the *upper* bits of the product, the lower ones hash badly. */
export function bucketOf(word: number, bits: number): number {
  return Math.imul(word, knuthMultiplier) >>> (32 - bits);
}

/** Takes buckets from the richest until `shares` add up to no more than `bucketCount`. */
function trimShares(shares: number[], bucketCount: number): void {
  let surplus = shares.reduce((sum, share) => sum + share, -bucketCount);
  for (; surplus > 0; surplus--) {
    let richest = 0;
    for (let index = 1; index < shares.length; index++) {
      if (shares[index]! > shares[richest]!) richest = index;
    }
    shares[richest]!--;
  }
}

/**
 * Buckets for each weight: in proportion, by largest remainder, at least one each, so that every
 * server can be found. `bucketCount` must not be less than the number of weights; all are above 0.
 */
export function apportion(weights: readonly number[], bucketCount: number): number[] {
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const quotas = weights.map((weight) => (weight * bucketCount) / weightSum);
  const shares = quotas.map((quota) => Math.max(1, Math.floor(quota)));
  trimShares(shares, bucketCount);
  const left = bucketCount - shares.reduce((sum, share) => sum + share, 0);
  // Below 0 for a server that was raised to its one bucket: it comes last.
  const remainder = (index: number): number => quotas[index]! - shares[index]!;
  const neediest = [...weights.keys()].toSorted((a, b) => remainder(b) - remainder(a) || a - b);
  for (const index of neediest.slice(0, left)) shares[index]!++;
  return shares;
}

/**
 * Builds a table: servers in the order of their keys, each server's buckets spread evenly over the
 * table, so that the flows of one that fails fall on all others.
 */
export function buildBucketTable(
  candidates: readonly Candidate[],
  weightOf: (candidate: Candidate) => number,
): BucketTable {
  const servers = sortedByKey(candidates.filter(({ weight }) => weight > 0));
  if (servers.length === 0) return emptyBucketTable;
  invariant(servers.length <= serversMax, "more real servers than a bucket table can number");

  let bits = bucketBitsMin;
  while (2 ** bits < servers.length * bucketsPerServerMin) bits++;
  const places: { readonly at: number; readonly server: number }[] = [];
  for (const [server, share] of apportion(servers.map(weightOf), 2 ** bits).entries()) {
    for (let turn = 0; turn < share; turn++) places.push({ at: (turn + 0.5) / share, server });
  }
  places.sort((a, b) => a.at - b.at || a.server - b.server);
  return { servers, buckets: Uint16Array.from(places, ({ server }) => server), bits };
}

/** The server of the address's bucket, or that of the next bucket whose server can take it. */
export function pickFromBuckets(
  table: BucketTable,
  word: number,
  tried: readonly Candidate[],
): Candidate | undefined {
  const { servers, buckets } = table;
  const mask = buckets.length - 1;
  const first = bucketOf(word, table.bits);
  for (let step = 0; step < buckets.length; step++) {
    const candidate = servers[buckets[(first + step) & mask]!]!;
    if (canTake(candidate, tried)) return candidate;
  }
  return undefined;
}
