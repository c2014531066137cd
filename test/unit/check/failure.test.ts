/**
 * Reasons from errno values, and details fit for a log line.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import type { FailureReason } from "../../../src/check/check.ts";
import { down, failureOfErrno, printable, up } from "../../../src/check/failure.ts";

describe("failureOfErrno", () => {
  test.each<[number, FailureReason, string]>([
    [111, "refused", "connect: ECONNREFUSED"],
    [110, "timeout", "connect: ETIMEDOUT"],
    [113, "unreachable", "connect: EHOSTUNREACH"],
    [101, "unreachable", "connect: ENETUNREACH"],
    [104, "reset", "connect: ECONNRESET"],
    [1, "not-permitted", "connect: EPERM"],
    [13, "not-permitted", "connect: EACCES"],
    [24, "no-resources", "connect: EMFILE"],
    [23, "no-resources", "connect: ENFILE"],
    [105, "no-resources", "connect: ENOBUFS"],
    [12, "no-resources", "connect: ENOMEM"],
    [99, "no-resources", "connect: EADDRNOTAVAIL"],
    [9999, "unreachable", "connect: errno 9999"],
  ])("of %i is %s", (errno, reason, detail) => {
    expect(failureOfErrno(errno, "connect")).toEqual({ reason, detail });
  });
});

describe("printable", () => {
  test.each([
    ["keeps plain text", "status 503", "status 503"],
    ["makes one line of several", "a\r\nb\n", "a b"],
    ["takes escape sequences apart", "\u001b[31mred", "[31mred"],
    ["takes direction marks out", "a\u202eb", "a b"],
    ["keeps letters of any script", "größe 大", "größe 大"],
  ])("%s", (_name, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  test("bounds the length", () => {
    expect(printable("x".repeat(10_000))).toBe(`${"x".repeat(200)}…`);
  });
});

test("up and down make results", () => {
  expect(up(3)).toEqual({ up: true, tookMs: 3 });
  expect(down(4, { reason: "tls", detail: "expired" })).toEqual({
    up: false,
    tookMs: 4,
    reason: "tls",
    detail: "expired",
  });
});
