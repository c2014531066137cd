import { expect, test } from "bun:test";

import {
  nextAlarms,
  parsePortRange,
  portUses,
  watchPorts,
} from "../../../src/daemon/port-watch.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { mapCauses } from "../../../src/datapath/engine.ts";
import type { ServiceCounters } from "../../../src/datapath/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

function counted(active: number, inactive: number): ServiceCounters {
  const zero = { connections: 0, bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
  const server = { key: "192.0.2.1:80", role: "real", active, inactive } as const;
  return {
    ...zero,
    name: "web",
    active: active + inactive,
    closed: mapCauses(() => 0),
    servers: [{ ...zero, ...server, connectFailures: 0, persistentEntries: 0 }],
  };
}

test.each([
  ["the kernel's default", "32768\t60999\n", 28_232],
  ["a single port", "5000 5000", 1],
  ["something else", "many", 28_232],
  ["nothing", "", 28_232],
])("parsePortRange counts %s", (_name, text, ports) => {
  expect(parsePortRange(text)).toBe(ports);
});

test("portUses counts both halves of closing connections, and every source address", () => {
  expect(portUses([counted(30, 12)], new Map([["web", 2]]), 100)).toEqual([
    { service: "web", server: "192.0.2.1:80", used: 42, available: 200 },
  ]);
});

test.each([
  ["below four fifths nothing happens", false, 79, [false, 0, 0]],
  ["at four fifths it begins", false, 80, [true, 1, 0]],
  ["it lasts above three fifths", true, 61, [true, 0, 0]],
  ["below three fifths it is over", true, 59, [false, 0, 1]],
] as const)("nextAlarms: %s", (_name, was, used, expected) => {
  const use = { service: "web", server: "a", used, available: 100 };
  const { alarms, begun, over } = nextAlarms(new Set(was ? ["web\na"] : []), [use]);
  expect([alarms.size > 0, begun.length, over.length]).toEqual([...expected]);
});

test("nextAlarms forgets servers that are gone", () => {
  expect(nextAlarms(new Set(["web\na"]), []).alarms.size).toBe(0);
});

test("watchPorts warns once, says when it is over, and stops when closed", () => {
  const clock = createFakeClock();
  const reports: Report[] = [];
  let active = 90;
  const watch = watchPorts({
    clock,
    counters: () => [counted(active, 0)],
    sources: () => new Map(),
    report: (report) => void reports.push(report),
    ports: 100,
  });
  clock.advance(20_000);
  active = 10;
  clock.advance(20_000);
  expect(reports.map(({ level, reason }) => [level, reason])).toEqual([
    ["warning", '90 of 100 in use: add addresses to "source"'],
    ["info", "10 of 100 in use"],
  ]);
  watch.close();
  expect(clock.pendingCount()).toBe(0);
});
