import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import { peerTable, vrrpTable } from "../../../../src/config/schema/failover.ts";

const least = { name: "public", vrid: 51, addresses: ["192.0.2.100/24"] };

describe("vrrpTable", () => {
  test("keeps host bits and labels of addresses", () => {
    const addresses = ["192.0.2.100/24", "2001:db8::1", { address: "192.0.2.7", label: "eth0:1" }];
    expect(v.parse(vrrpTable, { ...least, addresses }).addresses).toEqual([
      { address: "192.0.2.100/24" },
      { address: "2001:db8::1" },
      { address: "192.0.2.7", label: "eth0:1" },
    ]);
  });

  test.each([
    { interface: "eth0.100" },
    { interfaces: ["eth0", "ha0"] },
    { version: 2, auth_pass: "12345678" },
    { priority: 254, preempt: false, preempt_delay: "5s", start_delay: "0s" },
    { advertise_interval: "20ms", down_after: "300ms" },
    { auth: "none", witness: "require", announce: "none", on_active: "/bin/move" },
    { track: [{ ping: "192.0.2.1" }, { script: ["/bin/ok", "-v"], interval: "2s" }] },
  ])("takes %j", (more) => {
    expect(v.is(vrrpTable, { ...least, ...more })).toBe(true);
  });

  test.each([
    { interface: "a/b" },
    { interface: "..", interfaces: [] },
    { version: 1 },
    { auth_pass: "123456789" },
    { addresses: ["192.0.2.100/24/24"] },
    { addresses: ["web1"] },
    { peers: [] },
    { track: [{ pong: "192.0.2.1" }] },
    { notify: "notify.sh" },
  ])("refuses %j", (more) => {
    expect(v.is(vrrpTable, { ...least, ...more })).toBe(false);
  });
});

test("peerTable needs an address with a port, and a key", () => {
  expect(v.is(peerTable, { address: "192.0.2.3:9781", key_file: "/etc/k" })).toBe(true);
  expect(v.is(peerTable, { address: "192.0.2.3", key_file: "/etc/k" })).toBe(false);
  expect(v.is(peerTable, { address: "192.0.2.3:9781" })).toBe(false);
});
