/**
 * An engine that keeps what it was told.
 *
 * @module
 */

import type { ApplyProblem, Engine, ServiceCounters } from "../../../src/datapath/engine.ts";
import type { ForwardingService } from "../../../src/model/index.ts";

/** Its levers and its memory. */
export interface FakeEngine extends Engine {
  /** Every desired state, in order. */
  readonly applied: (readonly ForwardingService[])[];
  /** Problems that the next applies return. */
  problems: readonly ApplyProblem[];
  /** Set: the next applies reject with it. */
  failure: Error | undefined;
  counted: readonly ServiceCounters[];
  /** How `close` was called. */
  readonly closed: { readonly timeoutMs: number; readonly hurry: AbortSignal }[];
  /** Set: `close` waits for it. */
  closing: Promise<void> | undefined;
  /** True while an apply runs. */
  readonly overlaps: () => number;
}

/** `real 192.0.2.1:80 active 1`, one text a server of the last desired state. */
export function lastServers(engine: FakeEngine): readonly string[] {
  const services = engine.applied.at(-1) ?? [];
  return services.flatMap(({ servers }) =>
    servers.map(({ role, key, state, weight }) => `${role} ${key} ${state} ${weight}`),
  );
}

export function createFakeEngine(): FakeEngine {
  let running = 0;
  let overlaps = 0;
  const engine: FakeEngine = {
    name: "proxy",
    applied: [],
    problems: [],
    failure: undefined,
    counted: [],
    closed: [],
    closing: undefined,
    overlaps: () => overlaps,
    refuse: () => undefined,
    async apply(services) {
      running += 1;
      if (running > 1) overlaps += 1;
      engine.applied.push(services);
      await Promise.resolve();
      running -= 1;
      if (engine.failure !== undefined) throw engine.failure;
      return engine.problems;
    },
    counters: () => engine.counted,
    connections: async () => [],
    async close(timeoutMs, hurry) {
      engine.closed.push({ timeoutMs, hurry });
      await engine.closing;
    },
  };
  return engine;
}
