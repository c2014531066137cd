import { expect, test } from "bun:test";

import {
  decodeAdvertisement,
  encodeSolicitation,
  solicitedNodeGroup,
} from "../../../../src/host/doctor/neighbour-packet.ts";
import { formatAddress, parseAddress } from "../../../../src/net/address.ts";

const hardware = Uint8Array.of(2, 0, 0, 0, 0, 9);
const target = parseAddress("2001:db8::1:2345")!;
const head = [136, 0, 0, 0, 0x60, 0, 0, 0, ...target];

test("encodeSolicitation() has the target and the sender's hardware address", () => {
  const bytes = [...encodeSolicitation(hardware, target)];
  expect(bytes).toEqual([135, 0, 0, 0, 0, 0, 0, 0, ...target, 1, 1, ...hardware]);
});

test("solicitedNodeGroup() ends with the last 24 bits", () => {
  expect(formatAddress(solicitedNodeGroup(target))).toBe("ff02::1:ff01:2345");
});

test.each([
  ["alone", [2, 1, ...hardware]],
  ["behind another option", [14, 1, 0, 0, 0, 0, 0, 0, 2, 1, ...hardware]],
])("decodeAdvertisement() finds the hardware address %s", (_where, options) => {
  const found = decodeAdvertisement(Uint8Array.of(...head, ...options));
  expect(found).toEqual({ address: target, hardware });
});

test.each([
  ["nothing", []],
  ["a solicitation", [135, ...head.slice(1), 2, 1, ...hardware]],
  ["a code that there is not", [136, 1, ...head.slice(2), 2, 1, ...hardware]],
  ["no option", head],
  ["an option of length 0", [...head, 2, 0, ...hardware]],
  ["an option that is cut off", [...head, 2, 1, 2, 0]],
])("decodeAdvertisement() drops %s", (_what, bytes) => {
  expect(decodeAdvertisement(Uint8Array.from(bytes))).toBeUndefined();
});
