import { expect, test } from "bun:test";

import { encodeHandover, encodeHandoverKey } from "../../../src/fence/handovers.ts";
import { parseAddress } from "../../../src/net/address.ts";

test("encodeHandoverKey() is instance and device", () => {
  expect(encodeHandoverKey(3, 0x102).toHex()).toBe("0300000002010000");
});

test.each([
  ["192.0.2.7", `efcdab89674523010200000000000000c0000207${"00".repeat(12)}`],
  ["fe80::7", `efcdab89674523010a00000000000000fe80${"00".repeat(13)}07`],
])("encodeHandover() is end, family and address: %s", (address, hex) => {
  const value = encodeHandover(parseAddress(address)!, 0x0123456789abcdefn);
  expect(value.toHex()).toBe(hex);
});
