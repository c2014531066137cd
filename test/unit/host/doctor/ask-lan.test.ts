import { expect, test } from "bun:test";

import { askLan, interfacesFor } from "../../../../src/host/doctor/ask-lan.ts";
import { fakeAddress, fakeInterface } from "../../../helpers/fake-host.ts";

const host = {
  interfaces: [
    fakeInterface("lo", { isLoopback: true, usesArp: false }),
    fakeInterface("eth0"),
    fakeInterface("eth1"),
    fakeInterface("eth2", { isUp: false }),
  ],
  addresses: [
    fakeAddress("lo", "192.0.2.100/32", "lo:0"),
    fakeAddress("eth0", "192.0.2.7/24"),
    fakeAddress("eth1", "198.51.100.7/24"),
    fakeAddress("eth2", "203.0.113.7/24"),
    fakeAddress("eth0", "2001:db8::7/64"),
  ],
};

test.each([
  ["192.0.2.100", ["eth0"]],
  ["198.51.100.9", ["eth1"]],
  ["2001:db8::100", ["eth0"]],
  ["2001:db8:1::100", ["eth0", "eth1"]],
  // In no network here, or in that of an interface that is down: everywhere.
  ["203.0.113.9", ["eth0", "eth1"]],
])("interfacesFor(%p) is %p", (address, names) => {
  expect(interfacesFor(address, host).map(({ name }) => name)).toEqual(names);
});

test("askLan() says where it cannot ask", async () => {
  const missing = fakeInterface("gone0", { index: 2_000_000_000 });
  const { answers, failures } = await askLan(["192.0.2.100", "2001:db8::1"], {
    interfaces: [missing],
    addresses: [],
  });
  expect(answers).toEqual([]);
  expect(failures).toEqual([
    expect.stringMatching(/^cannot ask by ARP on gone0: .*(?:ENODEV|EPERM)/),
    expect.stringMatching(/^cannot ask by IPv6 on gone0: .*(?:ENODEV|EPERM|EAFNOSUPPORT)/),
  ]);
});

test("askLan() asks nobody for nothing", async () => {
  expect(await askLan([], host)).toEqual({ answers: [], failures: [] });
});
