import { expect, test } from "bun:test";

import { readAddressTable } from "../../../../../src/config/import/heartbeat/host.ts";

test("readAddressTable() prefers IPv4, as Heartbeat's media do", () => {
  const hosts = "2001:db8::2 lb2 LB2.example.com\n192.0.2.2 lb2\n2001:db8::3 lb3\n";
  const table = readAddressTable({ hosts });
  expect([...table].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
    ["lb2", "192.0.2.2"],
    ["lb2.example.com", "2001:db8::2"],
    ["lb3", "2001:db8::3"],
  ]);
  expect(readAddressTable({}).size).toBe(0);
});
