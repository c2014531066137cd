import { describe, expect, test } from "bun:test";

import { nextRates } from "../../../src/daemon/rates.ts";
import type { RateCounters } from "../../../src/daemon/rates.ts";

function counters(value: number): RateCounters {
  return {
    connections: value,
    packetsIn: value * 2,
    packetsOut: value * 3,
    bytesIn: value * 4,
    bytesOut: value * 5,
  };
}

describe("nextRates()", () => {
  test("the first look only notes the counters", () => {
    expect(nextRates(undefined, counters(1000), 2000)).toEqual({
      counters: counters(1000),
      rates: undefined,
    });
  });

  test("moves a quarter of the way to what it saw", () => {
    const first = nextRates(undefined, counters(0), 2000);
    const second = nextRates(first, counters(800), 2000);
    expect(second.rates).toEqual({ cps: 100, inPps: 200, outPps: 300, inBps: 400, outBps: 500 });
    const third = nextRates(second, counters(800), 2000);
    expect(third.rates).toEqual({ cps: 75, inPps: 150, outPps: 225, inBps: 300, outBps: 375 });
  });

  test("counts by the time that has gone by", () => {
    const first = nextRates(undefined, counters(0), 2000);
    expect(nextRates(first, counters(800), 4000).rates?.cps).toBe(50);
  });

  test("counters that start anew count as still", () => {
    const first = nextRates(undefined, counters(1000), 2000);
    expect(nextRates(first, counters(10), 2000).rates).toEqual({
      cps: 0,
      inPps: 0,
      outPps: 0,
      inBps: 0,
      outBps: 0,
    });
  });
});
