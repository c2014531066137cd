import { describe, expect, test } from "bun:test";

import { readHaCf } from "../../../../../src/config/import/heartbeat/ha-cf.ts";
import { routerTimes } from "../../../../../src/config/import/heartbeat/timing.ts";
import { createLines } from "./fixture.ts";

function times(text: string) {
  const { told, warnings } = createLines();
  const { origins: _, ...found } = routerTimes(readHaCf({ file: "f", text }, told), told);
  return { ...found, warnings: warnings() };
}

describe("routerTimes()", () => {
  test.each([
    ["Heartbeat's defaults", "", 1000, 30_000, 0],
    ["all three", "keepalive 2\ndeadtime 30\ninitdead 120\n", 2000, 30_000, 90_000],
    ["in ms", "keepalive 20ms\ndeadtime 300ms\ninitdead 1\n", 20, 300, 700],
    ["initdead below deadtime", "deadtime 30\ninitdead 10\n", 1000, 30_000, 0],
    ["initdead of a short deadtime", "deadtime 5\n", 1000, 5000, 7000],
    ["initdead of a middling deadtime", "deadtime 8\n", 1000, 8000, 8000],
    ["initdead of a deadtime of 10 s", "deadtime 10\n", 1000, 10_000, 10_000],
    ["initdead of a long deadtime", "deadtime 11\n", 1000, 11_000, 0],
  ])("keeps %s", (_, text, advertiseIntervalMs, downAfterMs, startDelayMs) => {
    expect(times(text)).toEqual({ advertiseIntervalMs, downAfterMs, startDelayMs, warnings: [] });
  });

  test.each([
    [
      "keepalive 2\ndeadtime 5\ninitdead 5\n",
      { advertiseIntervalMs: 1660, downAfterMs: 5000 },
      [
        "1: keepalive of 2s becomes 1660ms: it is at most a third of deadtime, which is what the packets say",
      ],
    ],
    [
      "keepalive 1ms\n",
      { advertiseIntervalMs: 10 },
      [
        "1: keepalive of 1ms becomes 10ms: it is at most a third of deadtime, which is what the packets say",
      ],
    ],
    [
      "deadtime 10m\n",
      { downAfterMs: 122_850 },
      ["1: deadtime of 10m becomes 122850ms: VRRP packets can say no other time"],
    ],
    [
      "keepalive 10ms\ndeadtime 10ms\n",
      { advertiseIntervalMs: 10, downAfterMs: 30 },
      ["2: deadtime of 10ms becomes 30ms: VRRP packets can say no other time"],
    ],
  ])("tells what it changes of %j", (text, expected, lines) => {
    const found = times(text);
    expect(found).toMatchObject(expected);
    expect(found.warnings).toEqual(lines);
  });
});
