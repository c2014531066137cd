import { expect, test } from "bun:test";

import { encodeMark, encodePath } from "../../../src/vip-path/layout.ts";

test("encodeMark() in the order of the host", () => {
  expect(encodeMark(0x4150_0001).toHex()).toBe("01005041");
});

test.each([
  [
    { forwarding: "gate", server: "192.0.2.11", virtualAddress: "192.0.2.100" },
    `c000020b${"0".repeat(24)}c0000264${"0".repeat(24)}0400000000000000`,
  ],
  [
    { forwarding: "ipip", server: "2001:db8::b", virtualAddress: "2001:db8::64" },
    "20010db800000000000000000000000b20010db80000000000000000000000640600000001000000",
  ],
  [
    { forwarding: "masq", server: "192.0.2.11", virtualAddress: "192.0.2.11" },
    `c000020b${"0".repeat(24)}c0000008${"0".repeat(24)}0400000002000000`,
  ],
] as const)("encodePath() of %j", (record, expected) => {
  expect(encodePath(record).toHex()).toBe(expected);
});
