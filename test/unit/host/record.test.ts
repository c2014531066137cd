import { expect, test } from "bun:test";

import { emptyRecord, formatRecord, parseRecord, withStep } from "../../../src/host/record.ts";
import type { SetupRecord } from "../../../src/host/record.ts";
import type { Step } from "../../../src/host/step.ts";
import { fakeAddress } from "../../helpers/fake-host.ts";

const setting: Step = { kind: "sysctl", key: "a/b", from: "0", to: "1" };
const steps: readonly Step[] = [
  setting,
  { kind: "address", address: fakeAddress("lo", "192.0.2.1/32", "lo:0") },
  { kind: "prefix", label: "lo:0", address: "192.0.2.1", from: 24, to: 32 },
  { kind: "up", interface: "lo" },
  { kind: "module", name: "ipip" },
  { kind: "file", path: "/a", from: undefined, to: "text" },
  { kind: "link", path: "/b", from: "/c", to: "/d" },
];

test("parseRecord() reads what formatRecord() wrote", () => {
  const record: SetupRecord = { version: 1, vips: ["192.0.2.1"], method: "ipip", steps };
  expect(parseRecord(formatRecord(record))).toEqual(record);
});

test.each([
  "",
  "{",
  "[]",
  "null",
  "1",
  '{"version":2,"vips":[],"steps":[]}',
  '{"version":1,"vips":[1],"steps":[]}',
  '{"version":1,"vips":[],"steps":[{}]}',
  '{"version":1,"vips":[],"steps":[null]}',
  '{"version":1,"vips":[],"steps":[{"kind":"toString"}]}',
  '{"version":1,"vips":[],"steps":[{"kind":"address","address":null}]}',
  '{"version":1,"vips":[],"steps":[{"kind":"sysctl","key":"a","from":0,"to":"1"}]}',
])("parseRecord(%p) is nothing", (text) => {
  expect(parseRecord(text)).toBeUndefined();
});

test("withStep() keeps what the first change of a target found", () => {
  const first = withStep(emptyRecord, setting);
  const second = withStep(first, { ...setting, from: "1", to: "2" });
  expect(second.steps).toEqual([{ ...setting, from: "0", to: "2" }]);
});

test("withStep() remembers that a file was not there", () => {
  const made: Step = { kind: "file", path: "/a", from: undefined, to: "one" };
  const record = withStep(withStep(emptyRecord, made), { ...made, from: "one", to: "two" });
  expect(record.steps).toEqual([{ ...made, from: undefined, to: "two" }]);
  // Also after a reboot, when JSON has dropped what is undefined.
  const read = parseRecord(formatRecord(withStep(emptyRecord, made)))!;
  expect(withStep(read, { ...made, from: "one", to: "two" }).steps).toEqual([
    { ...made, from: undefined, to: "two" },
  ]);
});
