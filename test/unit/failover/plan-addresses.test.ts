import { expect, test } from "bun:test";

import { slotsByAddress, virtualAddresses } from "../../../src/failover/plan-addresses.ts";
import type { PlannedAddress } from "../../../src/failover/plan.ts";

function planned(address: string): PlannedAddress {
  return { address, prefixBits: 32, interface: "eth0", label: undefined, isAdvertised: true };
}

const plans = [
  { slot: 3, addresses: [planned("192.0.2.1"), planned("192.0.2.2")] },
  { slot: 0, addresses: [planned("2001:db8::1")] },
  { slot: 1, addresses: [] },
];

test("virtualAddresses() has those of all plans", () => {
  expect(virtualAddresses(plans)).toEqual(new Set(["192.0.2.1", "192.0.2.2", "2001:db8::1"]));
});

test("slotsByAddress() says whose they are", () => {
  expect([...slotsByAddress(plans)]).toEqual([
    ["192.0.2.1", 3],
    ["192.0.2.2", 3],
    ["2001:db8::1", 0],
  ]);
});
