import { expect, test } from "bun:test";

import { parseDocument } from "../../../../src/config/document.ts";
import { createReport } from "../../../../src/config/report.ts";
import { refuseEngine, refuseLater } from "../../../../src/config/resolve/later.ts";
import { problemsOf, serviceText, warningsOf } from "../fixture.ts";

const place = { document: parseDocument("", "a"), path: [] };

test("refuseLater() has nothing against what this build can do", () => {
  const report = createReport();
  const listen = [{ address: "192.0.2.1", portFirst: 80, portLast: 90 }];
  refuseLater({ value: { name: "a", listen, forwarding: "proxy", engine: "auto" }, place }, report);
  expect(report.hasProblems()).toBe(false);
});

test.each([
  [
    'forwarding = "gate"',
    'Expected "proxy" or "masq" (forwarding "gate" is not in this build yet)',
  ],
  [
    'forwarding = "ipip"',
    'Expected "proxy" or "masq" (forwarding "ipip" is not in this build yet)',
  ],
  ['engine = "ipvs"', 'Expected "auto" (engine "ipvs" is not in this build yet)'],
  ["mtu = 1400", "Expected no mtu (mtu is not in this build yet)"],
])("refuseLater() refuses %s", (line, message) => {
  const [problem, ...others] = problemsOf(serviceText(line));
  expect(problem).toStartWith("a.toml:5: ");
  expect(problem).toContain(message);
  expect(others).toEqual([]);
});

test("refuseLater() warns that masq runs on the proxy", () => {
  expect(warningsOf(serviceText('forwarding = "masq"'))).toEqual([
    'a.toml:5: virtual_service[0].forwarding: Forwarding "masq" runs on the proxy here: real servers ' +
      "see the address of the director",
  ]);
});

test.each([
  [undefined, false],
  ["auto", false],
  ["bpf", true],
])("refuseEngine() of %p: %p", (engine, isRefused) => {
  const report = createReport();
  refuseEngine(engine, place, report);
  expect(report.hasProblems()).toBe(isRefused);
});
