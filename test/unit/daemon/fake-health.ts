/**
 * Health checks that say what the test wants.
 *
 * @module
 */

import type { HealthRunner, HealthState, HealthTarget } from "../../../src/check/index.ts";

/** Its levers and its memory. */
export interface FakeHealth extends HealthRunner {
  /** Targets of the last `apply`. */
  targets: readonly HealthTarget[];
  readonly suspected: string[];
  isClosed: boolean;
  /** Sets the health of every target at this address, and tells of it. */
  set(address: string, health: "up" | "down"): void;
}

/** @param onChange Called when `set` has changed something. */
export function createFakeHealth(onChange: () => void): FakeHealth {
  const states = new Map<string, HealthState>();
  const fake: FakeHealth = {
    targets: [],
    suspected: [],
    isClosed: false,
    apply(targets) {
      fake.targets = targets;
      const ids = new Set(targets.map(({ id }) => id));
      for (const id of states.keys()) if (!ids.has(id)) states.delete(id);
    },
    suspect: (id) => void fake.suspected.push(id),
    state: (id) => (fake.targets.some((target) => target.id === id) ? states.get(id) : undefined),
    known: () => [],
    metrics: () => ({
      bucketSeconds: [],
      bucketCounts: [],
      sumSeconds: 0,
      count: 0,
      latenessCounts: [],
      latenessSumSeconds: 0,
      failures: {},
    }),
    firstPassDone: () => fake.targets.every(({ id }) => states.has(id)),
    async close() {
      fake.isClosed = true;
    },
    set(address, health) {
      for (const { id, target } of fake.targets) {
        if (target?.address !== address) continue;
        states.set(id, {
          health,
          changedAtMs: 0,
          lastResult: { up: true, tookMs: 1 },
          lastAtMs: 0,
          failures: 0,
          reason: `it is ${health}`,
        });
      }
      onChange();
    },
  };
  return fake;
}
