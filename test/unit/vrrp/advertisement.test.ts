/**
 * The record of an advertisement.
 */
import { describe, expect, test } from "bun:test";

import {
  createAdvertisement,
  hasSameAddresses,
  intervalMsMax,
  setAddresses,
  setPassword,
} from "../../../src/vrrp/advertisement.ts";

const list = [1, 2, 3].map((host) => Uint8Array.of(10, 0, 0, host));

describe("hasSameAddresses()", () => {
  test.each([
    ["the same list", list, true],
    ["another order", list.toReversed(), true],
    ["one less", list.slice(0, 2), false],
    ["another address", [...list.slice(0, 2), Uint8Array.of(10, 0, 0, 4)], false],
  ] as const)("%s: %#", (_name, configured, expected) => {
    const advertisement = createAdvertisement(4);
    setAddresses(advertisement, list);
    expect(hasSameAddresses(advertisement, configured)).toBe(expected);
  });

  test("compares whole IPv6 addresses", () => {
    const advertisement = createAdvertisement(6);
    const address = new Uint8Array(16).fill(7);
    setAddresses(advertisement, [address]);
    expect(hasSameAddresses(advertisement, [address])).toBe(true);
    expect(hasSameAddresses(advertisement, [address.with(15, 8)])).toBe(false);
  });
});

test("setPassword() fills up with zeros and cuts after 8 bytes", () => {
  const advertisement = createAdvertisement(4);
  setPassword(advertisement, new TextEncoder().encode("0123456789"));
  setPassword(advertisement, new TextEncoder().encode("abc"));
  expect(advertisement.authData.toHex()).toBe("6162630000000000");
  expect(advertisement.authType).toBe(1);
});

test("intervalMsMax() is what the field of the wire holds", () => {
  expect([intervalMsMax(2), intervalMsMax(3)]).toEqual([255_000, 40_950]);
});
