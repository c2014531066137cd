/**
 * Rates of every service and server, sampled from the engine's counters.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { ServiceCounters } from "../datapath/index.ts";
import type { Rates } from "../status/index.ts";
import { nextRates, rateIntervalMs } from "./rates.ts";
import type { RateCounters, RateState } from "./rates.ts";

/** A server within its service, as the engine counts it. */
export interface RateSubject {
  readonly service: string;
  readonly role: "real" | "fallback";
  /** `address:port`. */
  readonly key: string;
}

/** The rates of now. Undefined until there are two samples. */
export interface RateTable {
  service(name: string): Rates | undefined;
  server(subject: RateSubject): Rates | undefined;
  close(): void;
}

function serverKey({ service, role, key }: RateSubject): string {
  return `${service}\n${role} ${key}`;
}

/** A table that takes a sample each {@link rateIntervalMs} until it is closed. */
export function createRateTable(
  clock: Clock,
  counters: () => readonly ServiceCounters[],
): RateTable {
  let states: ReadonlyMap<string, RateState> = new Map();
  let sampledAtMs = clock.nowMs();
  let timer: Timer;

  const sample = (): void => {
    const nowMs = clock.nowMs();
    const elapsedMs = Math.max(1, nowMs - sampledAtMs);
    sampledAtMs = nowMs;
    const next = new Map<string, RateState>();
    const look = (key: string, found: RateCounters): void => {
      next.set(key, nextRates(states.get(key), found, elapsedMs));
    };
    for (const service of counters()) {
      look(service.name, service);
      for (const server of service.servers) {
        look(serverKey({ service: service.name, role: server.role, key: server.key }), server);
      }
    }
    // What was removed is forgotten.
    states = next;
    timer = clock.after(rateIntervalMs, sample);
  };
  timer = clock.after(rateIntervalMs, sample);

  return {
    service: (name) => states.get(name)?.rates,
    server: (subject) => states.get(serverKey(subject))?.rates,
    close: () => timer.cancel(),
  };
}
