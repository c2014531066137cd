import { describe, expect, test } from "bun:test";

import { carryRouter, createRouter, restoreRouter, transition } from "../../../src/vrrp/index.ts";
import type { Router, RouterEvent } from "../../../src/vrrp/index.ts";
import { deriveTiming } from "../../../src/vrrp/timing.ts";

const options = {
  version: 3,
  priority: 100,
  address: Uint8Array.of(10, 0, 0, 1),
  timing: deriveTiming({ version: 3, advertiseIntervalMs: 20, downAfterMs: 300 }),
  preempt: false,
  preemptDelayMs: 0,
  startDelayMs: 0,
  hasPeer: true,
  witness: "prefer",
  interfaces: [{ hasAddresses: true }],
  isGrouped: false,
} as const;

const heard: RouterEvent = {
  type: "heard",
  from: Uint8Array.of(10, 0, 0, 2),
  to: Uint8Array.of(10, 0, 0, 1),
  priority: 150,
  intervalMs: 100,
};
const tick: RouterEvent = { type: "tick" };

/** A router after these events, and one that goes on where it is. */
function carried(events: readonly (readonly [RouterEvent, number])[]): [Router, Router] {
  const router = createRouter(options);
  for (const [event, nowMs] of events) transition(router, event, nowMs);
  const next = createRouter(options);
  // As it crosses to the other process.
  restoreRouter(next, JSON.parse(JSON.stringify(carryRouter(router))));
  return [router, next];
}

const active = [
  [{ type: "startup" }, 1000],
  [tick, 1400],
] as const;
const backup = [
  [{ type: "startup" }, 1000],
  [heard, 1010],
] as const;

describe("restoreRouter()", () => {
  test.each([
    ["one that is new", []],
    ["an active one", active],
    ["a backup", backup],
    ["one on standby", [...active, [{ type: "standby" }, 1410]]],
  ] as const)("goes on as %s", (_name, events) => {
    const [router, next] = carried(events);
    const { actions: _actions, ...state } = router;
    const { actions: _next, ...restored } = next;
    expect(restored).toEqual(state);
  });

  test.each([
    ["an active one", active],
    ["a backup", backup],
  ] as const)("%s does the same as if nothing had happened", (_name, events) => {
    const [router, next] = carried(events);
    const steps = [
      [tick, 1420],
      [heard, 1430],
      [tick, 1440],
      [tick, 1800],
    ] as const;
    for (const [event, nowMs] of steps) {
      for (const one of [router, next]) transition(one, event, nowMs);
      const { actions, ...state } = router;
      expect(next).toMatchObject(state);
      const done = ({ count, kinds, values }: Router["actions"]): unknown[] => [
        [...kinds.subarray(0, count)],
        [...values.subarray(0, count)],
      ];
      expect(done(next.actions)).toEqual(done(actions));
    }
  });

  test("what another version does not say stays as it is in a new router", () => {
    const [router] = carried(active);
    const { router: record, peer } = carryRouter(router);
    const { isFit: _isFit, conflicts: _conflicts, ...less } = record;
    const next = createRouter(options);
    restoreRouter(next, { router: { ...less, unheardOf: 7 }, peer });
    expect(next).toMatchObject({ state: router.state, isFit: true, conflicts: 0 });
    expect(next).not.toHaveProperty("unheardOf");
  });
});
