import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import { checkServices, checkTable, checkTypes } from "../../../../src/config/schema/check.ts";

describe("checkTable", () => {
  test.each([...checkTypes, 1, 1000])("takes type %p", (type) => {
    expect(v.parse(checkTable, { type })).toEqual({ type });
  });

  test.each([0, 1001, 1.5, "5", "CONNECT", true])("refuses type %p", (type) => {
    expect(v.is(checkTable, { type })).toBe(false);
  });

  test.each([...checkServices])("takes service %s", (service) => {
    expect(v.is(checkTable, { type: "negotiate", service })).toBe(true);
  });

  test.each<[unknown, readonly [number, number]]>([
    [200, [200, 200]],
    ["404", [404, 404]],
    ["200-299", [200, 299]],
    ["100-599", [100, 599]],
  ])("takes status %p", (status, range) => {
    expect(v.parse(checkTable, { statuses: [status] })).toEqual({ statuses: [range] });
  });

  test.each([99, 600, "2xx", "299-200", "200-", 200.5, [[200]], Object.create(null), ""])(
    "refuses status %p",
    (status) => {
      expect(v.is(checkTable, { statuses: [status] })).toBe(false);
    },
  );

  test.each([
    { statuses: [] },
    { request: "" },
    { request: "a\0b" },
    { request: "x".repeat(4097) },
    { receive: "" },
    { virtual_host: "a b" },
    { virtual_host: "a\r\nHost: b" },
    { interval: "9ms" },
    { timeout: "0s" },
    { port: 65536 },
    { redirects: 11 },
    { connects_per_negotiate: 1001 },
  ])("refuses %j", (table) => {
    expect(v.is(checkTable, table)).toBe(false);
  });
});
