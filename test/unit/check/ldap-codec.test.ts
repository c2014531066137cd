import { describe, expect, test } from "bun:test";

import {
  decodeMessage,
  encodeBind,
  encodeSearch,
  encodeUnbind,
  messageBytes,
} from "../../../src/check/ldap-codec.ts";

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("encodeBind() is anonymous, or has name and password", () => {
  expect(hexOf(encodeBind(1, "", ""))).toBe("300c020101600702010304008000");
  expect(hexOf(encodeBind(1, "cn=a", "pw"))).toBe("3012020101600d0201030404636e3d6180027077");
  // A length above 127 has bytes of its own.
  expect(hexOf(encodeBind(1, "a".repeat(200), "")).slice(0, 30)).toBe(
    "308200d8020101608200d102010304",
  );
});

test("encodeSearch() asks for one entry without attributes", () => {
  expect(hexOf(encodeSearch(2, "dc=a"))).toBe(
    "302e0201026329" +
      "040464633d61" +
      "0a01000a0100020102020100010100" +
      "870b6f626a656374436c617373" +
      "30050403312e31",
  );
});

test("encodeUnbind() is short", () => {
  expect(hexOf(encodeUnbind(3))).toBe("30050201034200");
});

describe("messageBytes()", () => {
  test.each([
    ["", undefined],
    ["30", undefined],
    ["3005", 7],
    ["308105", 8],
    ["3082", undefined],
    ["30820100", 260],
    ["3084ffffffff", 4_294_967_301],
    ["3080", NaN],
    ["3085", NaN],
    ["02", NaN],
    ["48545450", NaN],
  ])("of %s is %p", (hex, expected) => {
    expect(messageBytes(Buffer.from(hex, "hex"))).toBe(expected as never);
  });
});

describe("decodeMessage()", () => {
  test.each([
    ["300c02010161070a010004000400", { type: "bind", code: 0, text: "" }],
    ["300e02010161090a0131040004026e6f", { type: "bind", code: 49, text: "no" }],
    ["300c02010265070a010004000400", { type: "search", code: 0, text: "" }],
    ["300c02010078070a013404000400", { type: "notice", code: 52, text: "" }],
    ["300d0201026408040464633d613000", { type: "entry", name: "dc=a" }],
    // A length in the long form.
    ["3081 0d 020102 64 08 04 04 64633d61 3000", { type: "entry", name: "dc=a" }],
    ["3005020102 7300", { type: "other" }],
    // Cut off, of another kind, or with lengths that go beyond their end.
    ["3000", undefined],
    ["3003020101", undefined],
    ["3005040101 6100", undefined],
    ["300c02010161080a010004000400", undefined],
    ["300d0201026408040464633d613040", undefined],
    ["300d020102640804ff64633d613000", undefined],
    ["300d0201026408048064633d613000", undefined],
    ["300c020101610704010004000400", undefined],
  ])("of %s is %j", (hex, expected) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    expect(decodeMessage(bytes)).toEqual(expected as never);
  });
});
