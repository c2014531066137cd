import { expect, test } from "bun:test";

import * as v from "valibot";

import {
  defaultsTable,
  groupTable,
  realServerTable,
  serviceTable,
} from "../../../../src/config/schema/service.ts";

test.each([
  [24, 24],
  [128, 128],
  [{ ipv4: 24 }, { ipv4: 24 }],
  [
    { ipv4: 32, ipv6: 128 },
    { ipv4: 32, ipv6: 128 },
  ],
])("serviceTable takes persistence_mask %j", (mask, output) => {
  expect(v.parse(serviceTable, { name: "a", persistence_mask: mask }).persistence_mask).toEqual(
    output,
  );
});

test.each([0, 129, "24", { ipv4: 33 }, { ipv6: 129 }, { ipv4: 24, ip: 1 }, [[24]], 24.5])(
  "serviceTable refuses persistence_mask %j",
  (mask) => {
    expect(v.is(serviceTable, { name: "a", persistence_mask: mask })).toBe(false);
  },
);

test("serviceTable makes a list of one address", () => {
  expect(v.parse(serviceTable, { name: "a", listen: "192.0.2.1:80" }).listen).toHaveLength(1);
  expect(v.is(serviceTable, { name: "a", listen: [] })).toBe(false);
});

test.each([
  { mtu: 575 },
  { fwmark: 0 },
  { fwmark: 4_294_967_296 },
  { persistent: "999ms" },
  { timeouts: { keepalive: "32768s" } },
  { timeouts: { idle: "99ms" } },
  { timeouts: { idel: "1s" } },
])("serviceTable refuses %j", (table) => {
  expect(v.is(serviceTable, { name: "a", ...table })).toBe(false);
});

test("realServerTable needs an address", () => {
  expect(v.is(realServerTable, { address: "a:1", weight: 65535 })).toBe(true);
  expect(v.is(realServerTable, { weight: 1 })).toBe(false);
});

test("groupTable and defaultsTable have their keys and no others", () => {
  expect(v.is(groupTable, { name: "g", real_servers: [] })).toBe(true);
  expect(v.is(groupTable, { name: "g", real_servers: [], weight: 1 })).toBe(false);
  expect(v.is(defaultsTable, { scheduler: "ovf", timeouts: {}, check: {} })).toBe(true);
  expect(v.is(defaultsTable, { listen: "192.0.2.1:80" })).toBe(false);
});
