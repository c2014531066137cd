/**
 * Priority, then address.
 */
import { expect, test } from "bun:test";

import { compareAddresses, fitnessPriority } from "../../../src/vrrp/election.ts";

test.each([
  ["10.0.0.2 before 10.0.0.1", [10, 0, 0, 2], [10, 0, 0, 1], 1],
  ["unsigned: 200.0.0.1 before 100.0.0.1", [200, 0, 0, 1], [100, 0, 0, 1], 1],
  ["the first byte first", [10, 9, 9, 9], [11, 0, 0, 0], -1],
  ["equal", [10, 0, 0, 1], [10, 0, 0, 1], 0],
] as const)("compareAddresses() %s", (_name, a, b, expected) => {
  expect(Math.sign(compareAddresses(Uint8Array.from(a), Uint8Array.from(b)))).toBe(expected);
});

test.each([
  [150, true, 0, 150],
  [5, true, 0, 10],
  [255, true, 0, 255],
  [255, false, 0, 1],
  [150, false, 0, 1],
  [150, false, 4, 5],
  [150, false, 8, 9],
  [150, false, 100, 9],
  [150, false, -3, 1],
] as const)(
  "fitnessPriority() of %i, fit %s, %i live servers is %i",
  (configured, isFit, liveServers, expected) => {
    expect(fitnessPriority(configured, isFit, liveServers)).toBe(expected);
  },
);
