import { expect, test } from "bun:test";

import { effectiveValue, interfaceKey, isSafe, targetValue } from "../../../src/host/arp-policy.ts";

// A row a value: is it safe, and what setup makes of it.
test.each([
  ["arp_ignore", 0, false, 1],
  ["arp_ignore", 1, true, 1],
  ["arp_ignore", 2, true, 2],
  ["arp_ignore", 3, false, 1],
  ["arp_ignore", 4, false, 1],
  ["arp_ignore", 7, false, 1],
  ["arp_ignore", 8, true, 8],
  ["arp_ignore", 9, false, 1],
  ["arp_announce", 0, false, 2],
  ["arp_announce", 1, false, 2],
  ["arp_announce", 2, true, 2],
  ["arp_announce", 3, false, 2],
] as const)("%s %d: safe %p, becomes %d", (setting, value, safe, target) => {
  expect(isSafe(setting, value)).toBe(safe);
  expect(targetValue(setting, value)).toBe(target);
});

test("effectiveValue() is the larger one", () => {
  expect(effectiveValue(0, 1)).toBe(1);
  expect(effectiveValue(3, 1)).toBe(3);
});

test("targetValue() of both sides is in force safely, whatever was found", () => {
  for (let all = 0; all < 12; all++) {
    for (let own = 0; own < 12; own++) {
      const values = [all, own].map((found) => targetValue("arp_ignore", found));
      expect(isSafe("arp_ignore", effectiveValue(values[0]!, values[1]!))).toBe(true);
    }
  }
});

test("interfaceKey() names a file below /proc/sys", () => {
  expect(interfaceKey("eth0.7", "arp_ignore")).toBe("net/ipv4/conf/eth0.7/arp_ignore");
});
