/**
 * Counters of IPVS's netlink family (linux/ip_vs.h, IPVS_STATS_ATTR_). Pure.
 *
 * Kernels since 4.1 send both kinds; the narrow one wraps at 2^32 for everything but bytes.
 *
 * @module
 */

import {
  IPVS_STATS_ATTR_CONNS,
  IPVS_STATS_ATTR_CPS,
  IPVS_STATS_ATTR_INBPS,
  IPVS_STATS_ATTR_INBYTES,
  IPVS_STATS_ATTR_INPKTS,
  IPVS_STATS_ATTR_INPPS,
  IPVS_STATS_ATTR_OUTBPS,
  IPVS_STATS_ATTR_OUTBYTES,
  IPVS_STATS_ATTR_OUTPKTS,
  IPVS_STATS_ATTR_OUTPPS,
} from "../../../ffi/constants/ip-vs.ts";
import type { AttributeReader } from "../attribute.ts";

/** Counters and rates of a service or a destination. */
export interface IpvsStats {
  readonly connections: bigint;
  readonly inPackets: bigint;
  readonly outPackets: bigint;
  readonly inBytes: bigint;
  readonly outBytes: bigint;
  /** Connections a second. */
  readonly connectionsPerSecond: bigint;
  readonly inPacketsPerSecond: bigint;
  readonly outPacketsPerSecond: bigint;
  readonly inBytesPerSecond: bigint;
  readonly outBytesPerSecond: bigint;
}

/** Types in the order of the fields of {@link IpvsStats}. */
function readAll(get: (type: number) => bigint): IpvsStats {
  return {
    connections: get(IPVS_STATS_ATTR_CONNS),
    inPackets: get(IPVS_STATS_ATTR_INPKTS),
    outPackets: get(IPVS_STATS_ATTR_OUTPKTS),
    inBytes: get(IPVS_STATS_ATTR_INBYTES),
    outBytes: get(IPVS_STATS_ATTR_OUTBYTES),
    connectionsPerSecond: get(IPVS_STATS_ATTR_CPS),
    inPacketsPerSecond: get(IPVS_STATS_ATTR_INPPS),
    outPacketsPerSecond: get(IPVS_STATS_ATTR_OUTPPS),
    inBytesPerSecond: get(IPVS_STATS_ATTR_INBPS),
    outBytesPerSecond: get(IPVS_STATS_ATTR_OUTBPS),
  };
}

/** The wide counters of `entry`, else the narrow ones, else zeros. */
export function readStats(entry: AttributeReader, wide: number, narrow: number): IpvsStats {
  const stats64 = entry.nested(wide);
  if (stats64 !== undefined) return readAll((type) => stats64.u64(type) ?? 0n);
  const stats = entry.nested(narrow);
  return readAll((type) => {
    const isBytes = type === IPVS_STATS_ATTR_INBYTES || type === IPVS_STATS_ATTR_OUTBYTES;
    return isBytes ? (stats?.u64(type) ?? 0n) : BigInt(stats?.u32(type) ?? 0);
  });
}
