import { describe, expect, test } from "bun:test";

import {
  findModule,
  parseInterfaceNames,
  parseIpv4Routes,
  parseIpv6Addresses,
  parseIpv6Routes,
  parseListeners,
} from "../../../src/host/proc-text.ts";

test("parseInterfaceNames() finds them below the two lines of headings", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo:       0       0    0    0    0     0          0         0        0       0    0
eth0.7: 1234567      10    0    0    0     0          0         0        0       0    0
`;
  expect(parseInterfaceNames(text)).toEqual(["lo", "eth0.7"]);
});

test("parseIpv6Addresses() reads /proc/net/if_inet6", () => {
  const text = `00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 02 40 00 80     eth0
`;
  expect(parseIpv6Addresses(text)).toEqual([
    { interface: "lo", label: "lo", address: "::1", prefixBits: 128 },
    { interface: "eth0", label: "eth0", address: "2001:db8::7", prefixBits: 64 },
  ]);
});

test("parseIpv4Routes() keeps gateways and default routes", () => {
  const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t006433C6\t090200C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0
`;
  expect(parseIpv4Routes(text)).toEqual([
    { interface: "eth0", isDefault: true, gateway: "192.0.2.1" },
    { interface: "eth1", isDefault: false, gateway: "192.0.2.9" },
    { interface: "ppp0", isDefault: true, gateway: undefined },
  ]);
});

test("parseIpv6Routes() keeps gateways and default routes", () => {
  const zero = "0".repeat(32);
  const gateway = "20010db8000000000000000000000001";
  const text = `20010db8000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001 eth0
${zero} 00 ${zero} 00 ${gateway} 00000400 00000001 00000000 00000003 eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
`;
  expect(parseIpv6Routes(text)).toEqual([
    { interface: "eth0", isDefault: true, gateway: "2001:db8::1" },
  ]);
});

describe("parseListeners()", () => {
  test("finds sockets in state LISTEN", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 640200C0:0050 00000000:0000 0A 00000000:00000000
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000
   2: 0100007F:0050 0100007F:9C40 01 00000000:00000000
`;
    expect(parseListeners(text, "tcp")).toEqual([
      { protocol: "tcp", address: "192.0.2.100", port: 80 },
      { protocol: "tcp", address: "0.0.0.0", port: 8080 },
    ]);
  });

  test("finds UDP sockets without a peer, IPv6 in four words", () => {
    const text = `  sl  local_address rem_address st
   0: B80D0120000000000000000000010000:0035 00000000000000000000000000000000:0000 07 0
`;
    expect(parseListeners(text, "udp")).toEqual([
      { protocol: "udp", address: "2001:db8::100", port: 53 },
    ]);
  });
});

test.each([
  ["ipip", "present"],
  ["ip_vs_wlc", "loadable"],
  ["ip_vs", "missing"],
  // Only the file itself counts, not what depends on it.
  ["nf_conntrack", "missing"],
] as const)("findModule(%p) is %p", (name, state) => {
  const builtin = "kernel/net/ipv4/ipip.ko\n";
  const dependencies = "kernel/net/netfilter/ipvs/ip-vs-wlc.ko.xz: kernel/net/nf_conntrack.ko.xz\n";
  expect(findModule(name, { builtin, dependencies })).toBe(state);
});
