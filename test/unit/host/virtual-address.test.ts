import { expect, test } from "bun:test";

import { addressRefusal, kindRefusal } from "../../../src/host/virtual-address.ts";
import { createFakeHost, fakeAddress, fakeInterface } from "../../helpers/fake-host.ts";

test.each([
  ["0.0.0.0", "is unspecified (0.0.0.0/8)"],
  ["127.0.0.1", "is a loopback address"],
  ["127.9.9.9", "is a loopback address"],
  ["224.0.0.18", "is a multicast address"],
  ["239.255.255.255", "is a multicast address"],
  ["240.0.0.1", "is reserved (240.0.0.0/4)"],
  ["255.255.255.255", "is the broadcast address"],
  ["192.0.2.100", undefined],
  ["223.255.255.254", undefined],
  ["::", "is unspecified"],
  ["::1", "is the loopback address"],
  ["ff02::1", "is a multicast address"],
  ["fe80::1", "is a link-local address"],
  ["febf::1", "is a link-local address"],
  ["::ffff:192.0.2.1", "is an IPv4 address in IPv6 form"],
  ["2001:db8::100", undefined],
  ["fd99::1", undefined],
])("kindRefusal(%p) is %p", (address, refusal) => {
  expect(kindRefusal(address)).toBe(refusal);
});

test.each([
  ["192.0.2.7", "is the address from which this host reaches its default gateway (eth0)"],
  ["198.51.100.7", "is the only address of eth1"],
  [
    "192.0.2.8",
    "is on eth0, where this host answers for it; if it is not needed there: ip address del 192.0.2.8/24 dev eth0",
  ],
  ["192.0.2.50", "is on dummy0; take it off there first: ip address del 192.0.2.50/32 dev dummy0"],
  ["192.0.2.1", "is a gateway of this host (eth0)"],
  ["192.0.2.0", "is the first address of 192.0.2.0/24, the network of eth0"],
  ["192.0.2.255", "is the broadcast address of 192.0.2.0/24, the network of eth0"],
  ["192.0.2.100", undefined],
  ["203.0.113.9", undefined],
  ["203.0.113.5", undefined],
  ["2001:db8::7", "is the only address of eth0"],
  ["2001:db8::100", undefined],
])("addressRefusal(%p) is %p", (address, refusal) => {
  const { state } = createFakeHost();
  state.interfaces.push(
    fakeInterface("eth1"),
    fakeInterface("dummy0", { usesArp: false, hardwareAddress: "" }),
  );
  state.addresses.push(
    fakeAddress("eth0", "192.0.2.8/24"),
    fakeAddress("eth1", "198.51.100.7/24"),
    fakeAddress("dummy0", "192.0.2.50/32"),
    fakeAddress("eth0", "2001:db8::7/64"),
    fakeAddress("eth0", "fe80::1/64"),
    // On lo already: adopted.
    fakeAddress("lo", "203.0.113.5/32", "lo:0"),
  );
  expect(addressRefusal(address, state)).toBe(refusal);
});
