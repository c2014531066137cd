import { expect, test } from "bun:test";

import { parseDocument } from "../../../../src/config/document.ts";
import { createReport } from "../../../../src/config/report.ts";
import { refuseEngine, refuseLater } from "../../../../src/config/resolve/later.ts";
import { problemsOf, serviceText } from "../fixture.ts";

const place = { document: parseDocument("", "a"), path: [] };

test.each(["proxy", "masq", "gate", "ipip"] as const)(
  "refuseLater() has nothing against %s",
  (forwarding) => {
    const report = createReport();
    const listen = [{ address: "192.0.2.1", portFirst: 80, portLast: 90 }];
    const value = { name: "a", listen, forwarding, engine: "ipvs", connection_limit: 0 } as const;
    refuseLater({ value: { ...value, allow: [] }, place }, report);
    expect(report.hasProblems()).toBe(false);
  },
);

test.each([
  ['engine = "bpf"', 5, 'Expected "auto" or "ipvs" (engine "bpf" is not in this build yet)'],
  ["mtu = 1400", 5, "Expected no mtu (mtu is not in this build yet)"],
  [
    'forwarding = "gate"\nallow = ["192.0.2.0/24"]',
    6,
    'Expected no allow beside forwarding "gate" (allow in the kernel is not in this build yet)',
  ],
  [
    'forwarding = "ipip"\nconnection_limit = 5',
    6,
    'Expected no connection_limit beside forwarding "ipip" ' +
      "(connection_limit in the kernel is not in this build yet)",
  ],
])("refuseLater() refuses %j", (lines, at, message) => {
  const [problem, ...others] = problemsOf(serviceText(lines));
  expect(problem).toStartWith(`a.toml:${at}: `);
  expect(problem).toContain(message);
  expect(others).toEqual([]);
});

test.each([
  [undefined, false],
  ["auto", false],
  ["ipvs", false],
  ["bpf", true],
])("refuseEngine() of %p: %p", (engine, isRefused) => {
  const report = createReport();
  refuseEngine(engine, place, report);
  expect(report.hasProblems()).toBe(isRefused);
});
