/** Real servers and flows for the tests of schedulers. @module */
import type { Candidate, Flow, Scheduler } from "../../../src/scheduler/index.ts";

/** A candidate whose counters the test moves. */
export interface TestServer extends Candidate {
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
  isOverloaded: boolean;
}

/** A real server called `key`; idle unless `state` says otherwise. */
export function server(key: string, weight: number, state: Partial<TestServer> = {}): TestServer {
  return {
    key,
    addressWord: 0x0a000001,
    weight,
    activeConnections: 0,
    inactiveConnections: 0,
    isOverloaded: false,
    ...state,
  };
}

/** Idle real servers, from names to weights. */
export function servers(weights: Readonly<Record<string, number>>): TestServer[] {
  return Object.entries(weights).map(([key, weight]) => server(key, weight));
}

/** `count` real servers called as they would be: `10.0.0.1:80` and so on. */
export function manyServers(count: number, weightOf: (index: number) => number): TestServer[] {
  return Array.from({ length: count }, (_, index) =>
    server(`10.0.${index >> 8}.${index & 0xff}:80`, weightOf(index)),
  );
}

/** A flow from 198.51.100.`client` to 192.0.2.`destination`. */
export function flowFrom(client = 1, destination = 1): Flow {
  return {
    sourceWord: 0xc6336400 + client,
    sourcePort: 40_000,
    destinationWord: 0xc0000200 + destination,
    destinationPort: 80,
  };
}

/**
 * Keys of the next `count` picks as one text, `-` for none. With `keeps` each picked server has
 * one more active connection afterwards.
 */
export function pickOrder(scheduler: Scheduler, count: number, keeps = false): string {
  const flow = flowFrom();
  let order = "";
  for (let pick = 0; pick < count; pick++) {
    const picked: TestServer | undefined = scheduler.pick(flow, []);
    order += picked?.key ?? "-";
    if (keeps && picked !== undefined) picked.activeConnections++;
  }
  return order;
}

/** How often each key occurs in the next `count` picks, each for another client. */
export function pickCounts(scheduler: Scheduler, count: number): Record<string, number> {
  const counts: Record<string, number> = {};
  const flow = flowFrom();
  for (let pick = 0; pick < count; pick++) {
    flow.sourceWord = (0x0a000000 + pick) >>> 0;
    const key = scheduler.pick(flow, [])?.key ?? "-";
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
