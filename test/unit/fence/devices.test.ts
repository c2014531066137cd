import { expect, test } from "bun:test";

import { needsFence } from "../../../src/fence/index.ts";

const device = { index: 2, name: "eth0", isLoopback: false, masterIndex: 0 };

test.each([
  ["a device of the LAN", device, true],
  ["a bridge", { ...device, name: "br0" }, true],
  ["a port of a bridge", { ...device, masterIndex: 5 }, false],
  ["the loopback device", { ...device, name: "lo", isLoopback: true }, false],
] as const)("needsFence() of %s", (_, given, expected) => {
  expect(needsFence(given)).toBe(expected);
});
