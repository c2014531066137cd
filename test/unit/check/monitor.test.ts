/**
 * The monitor: a row a rule.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import type { FailureReason } from "../../../src/check/check.ts";
import { initialMonitorState, stepMonitor } from "../../../src/check/monitor.ts";
import type { Health, MonitorEvent, MonitorState } from "../../../src/check/monitor.ts";

const thresholds = { rise: 2, fall: 3, fastIntervalMs: 100 };
const good: MonitorEvent = { type: "result", result: { up: true, tookMs: 1 } };
const bad = (reason: FailureReason): MonitorEvent => ({
  type: "result",
  result: { up: false, tookMs: 1, reason, detail: "" },
});
const suspicion = (sinceStartMs: number): MonitorEvent => ({ type: "suspicion", sinceStartMs });
const state = (health: Health, successes: number, failures: number): MonitorState => ({
  health,
  successes,
  failures,
});
const changed = (previous: Health) => ({ type: "changed", previous }) as const;
const checkIn = (delayMs: number) => ({ type: "check-in", delayMs }) as const;

describe("stepMonitor", () => {
  test.each<[string, MonitorState, MonitorEvent, MonitorState, object[]]>([
    [
      "one success makes an unchecked server up",
      initialMonitorState,
      good,
      state("up", 1, 0),
      [changed("unchecked")],
    ],
    [
      "one failure makes an unchecked server down",
      initialMonitorState,
      bad("refused"),
      state("down", 0, 1),
      [changed("unchecked")],
    ],
    [
      "a success of a server that is up changes nothing",
      state("up", 2, 0),
      good,
      state("up", 2, 0),
      [],
    ],
    [
      "the first failure brings a fast check",
      state("up", 2, 0),
      bad("timeout"),
      state("up", 0, 1),
      [checkIn(100)],
    ],
    [
      "so does the second of three",
      state("up", 0, 1),
      bad("timeout"),
      state("up", 0, 2),
      [checkIn(100)],
    ],
    [
      "the last of `fall` failures makes it down",
      state("up", 0, 2),
      bad("timeout"),
      state("down", 0, 3),
      [changed("up")],
    ],
    [
      "a success between failures starts the count anew",
      state("up", 0, 2),
      good,
      state("up", 1, 0),
      [],
    ],
    [
      "failures of a server that is down are counted",
      state("down", 0, 3),
      bad("timeout"),
      state("down", 0, 4),
      [],
    ],
    [
      "one of two successes does not bring it back",
      state("down", 0, 3),
      good,
      state("down", 1, 0),
      [],
    ],
    [
      "`rise` successes bring it back",
      state("down", 1, 0),
      good,
      state("up", 2, 0),
      [changed("down")],
    ],
    [
      "a failure between successes starts the count anew",
      state("down", 1, 0),
      bad("reset"),
      state("down", 0, 1),
      [],
    ],
    [
      "lack of resources says nothing about a server that is up",
      state("up", 0, 2),
      bad("no-resources"),
      state("up", 0, 2),
      [],
    ],
    [
      "nor about one that is down",
      state("down", 1, 0),
      bad("no-resources"),
      state("down", 1, 0),
      [],
    ],
    [
      "nor about an unchecked one",
      initialMonitorState,
      bad("no-resources"),
      initialMonitorState,
      [],
    ],
    [
      "a suspicion brings a check at once",
      state("up", 2, 0),
      suspicion(5000),
      state("up", 2, 0),
      [checkIn(0)],
    ],
    [
      "but not more than one each 100 ms",
      state("up", 2, 0),
      suspicion(30),
      state("up", 2, 0),
      [checkIn(70)],
    ],
    [
      "a suspicion of a server without traffic is none",
      state("down", 0, 3),
      suspicion(5000),
      state("down", 0, 3),
      [],
    ],
    [
      "nor one of an unchecked server",
      initialMonitorState,
      suspicion(Infinity),
      initialMonitorState,
      [],
    ],
  ])("%s", (_name, before, event, after, effects) => {
    const [next, found] = stepMonitor(before, event, thresholds);
    expect(next).toEqual(after);
    expect([...found]).toEqual(effects as never);
  });

  test("with fall = 1 the first failure decides", () => {
    const [next] = stepMonitor(state("up", 1, 0), bad("refused"), { ...thresholds, fall: 1 });
    expect(next.health).toBe("down");
  });

  test("with rise = 1 the first success decides", () => {
    const [next] = stepMonitor(state("down", 0, 9), good, { ...thresholds, rise: 1 });
    expect(next.health).toBe("up");
  });

  test("never counts successes beyond rise", () => {
    let current = initialMonitorState;
    for (let index = 0; index < 100; index++) [current] = stepMonitor(current, good, thresholds);
    expect(current).toEqual(state("up", 2, 0));
  });
});
