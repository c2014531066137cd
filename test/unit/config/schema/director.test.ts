import { expect, test } from "bun:test";

import * as v from "valibot";

import { directorTable, proxyTable, statusTable } from "../../../../src/config/schema/director.ts";

test.each(["root", "_user", "a.b-c", "user$"])("directorTable takes script_user %s", (user) => {
  expect(v.is(directorTable, { script_user: user })).toBe(true);
});

test.each(["", "-a", "a b", "a:b", "x".repeat(40), 0])(
  "directorTable refuses script_user %p",
  (user) => {
    expect(v.is(directorTable, { script_user: user })).toBe(false);
  },
);

test.each(["auto", 1, 256])("proxyTable takes workers %p", (workers) => {
  expect(v.is(proxyTable, { workers })).toBe(true);
});

test.each([0, 257, 1.5, "2", true])("proxyTable refuses workers %p", (workers) => {
  expect(v.is(proxyTable, { workers })).toBe(false);
});

test("statusTable takes off, and port 0 for a free one", () => {
  expect(v.parse(statusTable, { listen: "off" })).toEqual({ listen: "off" });
  expect(v.parse(statusTable, { listen: "[::1]:0" })).toEqual({
    listen: { address: "::1", port: 0 },
  });
  expect(v.is(statusTable, { listen: "localhost:9780" })).toBe(false);
});
