/**
 * Rates from counters, as `ipvsadm -L --rate` shows them.
 *
 * The kernel's estimator (net/netfilter/ipvs/ip_vs_est.c) looks every 2 s and moves its average a
 * quarter of the way to what it saw; so does this one, and both tell alike. Pure.
 *
 * @module
 */

import type { Rates } from "../status/index.ts";

/** Counters that rates are made of; they only grow while their owner exists. */
export interface RateCounters {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What is kept of one owner of counters from look to look. */
export interface RateState {
  readonly counters: RateCounters;
  /** Undefined until there are two looks. */
  readonly rates: Rates | undefined;
}

/** Time between two looks. */
export const rateIntervalMs = 2000;

/** Share of the newest look in the average. */
const newestShare = 1 / 4;

/** The kernel's estimator starts from nothing too. */
const noRates: Rates = { cps: 0, inPps: 0, outPps: 0, inBps: 0, outBps: 0 };

/**
 * The state after a look.
 *
 * @param before State after the last look; undefined at the first, which only notes the counters.
 * @param elapsedMs Time since the last look, above 0.
 */
export function nextRates(
  before: RateState | undefined,
  now: RateCounters,
  elapsedMs: number,
): RateState {
  if (before === undefined) return { counters: copyOf(now), rates: undefined };
  const { counters, rates = noRates } = before;
  const average = (old: number, from: number, to: number): number => {
    // Counters that fell belong to a service that was removed and added again.
    const perSecond = (Math.max(0, to - from) * 1000) / elapsedMs;
    return old + (perSecond - old) * newestShare;
  };
  return {
    counters: copyOf(now),
    rates: {
      cps: average(rates.cps, counters.connections, now.connections),
      inPps: average(rates.inPps, counters.packetsIn, now.packetsIn),
      outPps: average(rates.outPps, counters.packetsOut, now.packetsOut),
      inBps: average(rates.inBps, counters.bytesIn, now.bytesIn),
      outBps: average(rates.outBps, counters.bytesOut, now.bytesOut),
    },
  };
}

/** Only the counters, so that nothing else of their owner is kept alive. */
function copyOf({ connections, packetsIn, packetsOut, bytesIn, bytesOut }: RateCounters) {
  return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
}
