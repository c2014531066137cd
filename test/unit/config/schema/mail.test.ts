import { expect, test } from "bun:test";

import * as v from "valibot";

import { mailTable, serviceMailTable } from "../../../../src/config/schema/mail.ts";

test.each(["ops@example.com", "root", "a+b@[192.0.2.1]", "ü@example.com"])(
  "mailTable takes the reader %s",
  (reader) => {
    expect(v.is(mailTable, { to: [reader] })).toBe(true);
  },
);

test.each(["", "@", "a@", "a b@example.com", "a@b@c", "a,b", "<a@b>", "a@b\r\nBcc: c@d", 0])(
  "mailTable refuses the reader %j",
  (reader) => {
    expect(v.is(mailTable, { to: [reader] })).toBe(false);
  },
);

test.each([
  ["lb@example.com", true],
  ["Director <lb@example.com>", true],
  ["Director", true],
  ["Director <lb@example.com", false],
  ["<lb@example.com>", false],
  ["Director\n <lb@example.com>", false],
])("mailTable, sender %j: %p", (from, isTaken) => {
  expect(v.is(mailTable, { from })).toBe(isTaken);
});

test.each([
  [["starting", "running", "stopping", "reloading"], true],
  [[], true],
  [["all"], false],
])("mailTable, when %j: %p", (when, isTaken) => {
  expect(v.is(mailTable, { when })).toBe(isTaken);
});

test("serviceMailTable has no sender", () => {
  expect(v.is(serviceMailTable, { to: [], repeat: "off", smtp: "mail" })).toBe(true);
  expect(v.is(serviceMailTable, { from: "lb@example.com" })).toBe(false);
});
