import { expect, test } from "bun:test";

import {
  formatApplied,
  formatPlan,
  formatUndone,
  formatUndoPlan,
} from "../../../src/cli/setup-format.ts";
import type { Step } from "../../../src/host/index.ts";

const steps: readonly Step[] = [
  { kind: "sysctl", key: "net/ipv4/ip_forward", from: "0", to: "1" },
  { kind: "file", path: "/etc/a", from: undefined, to: "one\n\ntwo\n" },
];

test("formatPlan() shows steps, notes and the text of files", () => {
  expect(formatPlan({ steps, notes: ["so it is"] })).toBe(`Would change, in this order:
  set    net.ipv4.ip_forward = 1 (is 0)
  write  /etc/a
note: so it is

/etc/a:
  | one
  |
  | two
`);
});

test("formatApplied() shows what was done", () => {
  expect(formatApplied({ steps, notes: [] })).toBe(`Changed:
  set    net.ipv4.ip_forward = 1 (is 0)
  write  /etc/a
`);
});

test.each([formatPlan, formatApplied])("%p of nothing says so, with its notes", (format) => {
  expect(format({ steps: [], notes: ["but"] })).toBe(
    "Nothing to do: the host is as it should be.\nnote: but\n",
  );
});

test("formatUndoPlan() shows what comes back", () => {
  expect(formatUndoPlan(steps)).toBe(`Would take back, in this order:
  set     net.ipv4.ip_forward = 0
  remove  /etc/a
`);
  expect(formatUndoPlan([])).toBe("Nothing to take back.\n");
});

test("formatUndone() tells what was left apart from what was restored", () => {
  expect(formatUndone({ restored: ["set a = 0"], left: ["b was changed"] })).toBe(
    "Taken back:\n  set a = 0\nLeft:\n  b was changed\n",
  );
  expect(formatUndone({ restored: [], left: [] })).toBe("Nothing to take back.\n");
});
