/**
 * Rates of every service and server, sampled from the engine's counters.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { ServerCounters, ServiceCounters } from "../datapath/index.ts";
import type { Rates } from "../status/index.ts";
import { findNear } from "./find-near.ts";
import { nextRates, rateIntervalMs } from "./rates.ts";
import type { RateState } from "./rates.ts";

/** Rates of one server within its service; undefined until there are two samples. */
export interface ServerRates extends Pick<ServerCounters, "role" | "key"> {
  readonly rates: Rates | undefined;
}

/** Rates of one service and its servers, in the order in which the engine counts them. */
export interface ServiceRates {
  /** Undefined until there are two samples. */
  readonly rates: Rates | undefined;
  readonly servers: readonly ServerRates[];
}

/** The rates of now. */
export interface RateTable {
  /** Undefined until the first sample. */
  service(name: string): ServiceRates | undefined;
  close(): void;
}

/** What is kept of a server, and of a service, from sample to sample. */
type ServerEntry = Pick<ServerCounters, "role" | "key"> & RateState;
interface ServiceEntry extends RateState {
  readonly servers: readonly ServerEntry[];
}

function nextServers(
  before: readonly ServerEntry[],
  found: readonly ServerCounters[],
  elapsedMs: number,
): readonly ServerEntry[] {
  return found.map((now, index) => {
    const { role, key } = now;
    const last = findNear(before, index, (entry) => entry.role === role && entry.key === key);
    const { counters, rates } = nextRates(last, now, elapsedMs);
    return { role, key, counters, rates };
  });
}

/** A table that takes a sample each {@link rateIntervalMs} until it is closed. */
export function createRateTable(
  clock: Clock,
  counters: () => readonly ServiceCounters[],
): RateTable {
  let entries: ReadonlyMap<string, ServiceEntry> = new Map();
  let sampledAtMs = clock.nowMs();
  let timer: Timer;

  const sample = (): void => {
    const nowMs = clock.nowMs();
    const elapsedMs = Math.max(1, nowMs - sampledAtMs);
    sampledAtMs = nowMs;
    const next = new Map<string, ServiceEntry>();
    for (const service of counters()) {
      const before = entries.get(service.name);
      const servers = nextServers(before?.servers ?? [], service.servers, elapsedMs);
      const { counters: counted, rates } = nextRates(before, service, elapsedMs);
      next.set(service.name, { counters: counted, rates, servers });
    }
    // What was removed is forgotten.
    entries = next;
    timer = clock.after(rateIntervalMs, sample);
  };
  timer = clock.after(rateIntervalMs, sample);

  return {
    service: (name) => entries.get(name),
    close: () => timer.cancel(),
  };
}
