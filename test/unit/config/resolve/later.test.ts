import { expect, test } from "bun:test";

import { parseDocument } from "../../../../src/config/document.ts";
import { createReport } from "../../../../src/config/report.ts";
import { refuseLater } from "../../../../src/config/resolve/later.ts";
import { problemsOf, serviceText } from "../fixture.ts";

const place = { document: parseDocument("", "a"), path: [] };

test.each(["proxy", "masq", "gate", "ipip"] as const)(
  "refuseLater() has nothing against %s",
  (forwarding) => {
    const report = createReport();
    const listen = [{ address: "192.0.2.1", portFirst: 80, portLast: 90 }];
    const value = { name: "a", listen, forwarding, engine: "bpf", connection_limit: 5 } as const;
    refuseLater(
      { value: { ...value, allow: [{ address: "192.0.2.0", prefixBits: 24 }] }, place },
      report,
    );
    expect(report.hasProblems()).toBe(false);
  },
);

test.each([["mtu = 1400", 5, "Expected no mtu (mtu is not in this build yet)"]])(
  "refuseLater() refuses %j",
  (lines, at, message) => {
    const [problem, ...others] = problemsOf(serviceText(lines));
    expect(problem).toStartWith(`a.toml:${at}: `);
    expect(problem).toContain(message);
    expect(others).toEqual([]);
  },
);
