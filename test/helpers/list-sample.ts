/**
 * The table that test/golden/list shows, as data: every kind of service and flag of ipvsadm.
 *
 * @module
 */

import type { ListConnection } from "../../src/cli/list-format.ts";
import type { ListServer, ListService, ListTraffic } from "../../src/cli/list-model.ts";

const serviceStats: ListTraffic = {
  connections: 401,
  packetsIn: 8_939_187,
  packetsOut: 8_953_980,
  bytesIn: 830_843_000,
  bytesOut: 1_135_000_000,
};
const serviceRates: ListTraffic = {
  connections: 12,
  packetsIn: 3456,
  packetsOut: 3400,
  bytesIn: 512_345,
  bytesOut: 712_345,
};
const serverStats = {
  packetsIn: 3_026_088,
  packetsOut: 3_031_335,
  bytesIn: 281_255_000,
  bytesOut: 384_268_000,
};
const serverRates: ListTraffic = {
  connections: 6,
  packetsIn: 1728,
  packetsOut: 1700,
  bytesIn: 256_172,
  bytesOut: 356_172,
};

/** The two real servers of every service: one that works, one that is quiescent. */
function servers(
  addresses: readonly [string, string],
  port: number,
  forwards: readonly [ListServer["forward"], ListServer["forward"]],
): readonly ListServer[] {
  return addresses.map((address, index) => ({
    endpoint: { address, port },
    forward: forwards[index]!,
    weight: index === 0 ? 10 : 0,
    upperThreshold: index === 0 ? 0 : 10_000,
    lowerThreshold: index === 0 ? 0 : 100,
    activeConnections: 3 + index,
    inactiveConnections: 12,
    persistentConnections: index,
    stats: { ...serverStats, connections: 134 + index },
    rates: serverRates,
  }));
}

const common = { schedulerFlags: [], onePacket: false, stats: serviceStats, rates: serviceRates };
const ipv4 = ["192.168.6.2", "192.168.6.3"] as const;
const ipv6 = ["2001:db8:0:1::4", "2001:db8:0:1::6"] as const;

/** In the order of the golden files. */
export const sampleServices: readonly ListService[] = [
  {
    ...common,
    protocol: "TCP",
    endpoint: { address: "192.168.6.240", port: 80 },
    scheduler: "rr",
    servers: servers(ipv4, 80, ["Route", "Route"]),
  },
  {
    ...common,
    protocol: "TCP",
    endpoint: { address: "192.168.6.240", port: 443 },
    scheduler: "wlc",
    persistentSeconds: 600,
    maskBits: 32,
    servers: servers(ipv4, 8443, ["Masq", "Masq"]),
  },
  {
    ...common,
    protocol: "TCP",
    endpoint: { address: "192.168.6.240", port: 8443 },
    scheduler: "sh",
    schedulerFlags: ["sh-fallback", "sh-port"],
    persistentSeconds: 300,
    maskBits: 24,
    servers: servers(ipv4, 8443, ["Route", "Route"]),
  },
  {
    ...common,
    protocol: "UDP",
    endpoint: { address: "192.168.6.240", port: 53 },
    scheduler: "wrr",
    onePacket: true,
    servers: servers(ipv4, 53, ["Route", "Local"]),
  },
  {
    ...common,
    protocol: "FWM",
    mark: 1,
    endpoint: { address: "0.0.0.0", port: 0 },
    scheduler: "wrr",
    persistentSeconds: 600,
    servers: servers(ipv4, 0, ["Tunnel", "Tunnel"]),
  },
  {
    ...common,
    protocol: "TCP",
    endpoint: { address: "2001:db8::5", port: 119 },
    scheduler: "wlc",
    persistentSeconds: 360,
    maskBits: 64,
    servers: servers(ipv6, 119, ["Route", "Route"]),
  },
];

const client = "192.168.3.99";
const virtual = "192.168.6.240";

/** Connections and templates of persistence. */
export const sampleConnections: readonly ListConnection[] = [
  {
    protocol: "tcp",
    expiresMs: 899_900,
    state: "ESTABLISHED",
    client: { address: client, port: 58_969 },
    virtual: { address: virtual, port: 80 },
    server: { address: "192.168.6.2", port: 80 },
  },
  {
    protocol: "tcp",
    expiresMs: 118_000,
    state: "FIN_WAIT",
    client: { address: client, port: 58_970 },
    virtual: { address: virtual, port: 443 },
    server: { address: "192.168.6.3", port: 8443 },
  },
  {
    protocol: "udp",
    expiresMs: 297_000,
    state: "UDP",
    client: { address: client, port: 46_142 },
    virtual: { address: virtual, port: 53 },
    server: { address: "192.168.6.2", port: 53 },
  },
  {
    protocol: "tcp",
    expiresMs: 594_000,
    state: "NONE",
    client: { address: client, port: 0 },
    virtual: { address: virtual, port: 443 },
    server: { address: "192.168.6.3", port: 8443 },
  },
  {
    protocol: "ip",
    expiresMs: 348_000,
    state: "NONE",
    client: { address: client, port: 0 },
    virtual: { address: "0.0.0.1", port: 0 },
    server: { address: "192.168.6.2", port: 0 },
  },
  {
    protocol: "tcp",
    expiresMs: 899_000,
    state: "ESTABLISHED",
    client: { address: "2001:db8::99", port: 58_971 },
    virtual: { address: "2001:db8::5", port: 119 },
    server: { address: "2001:db8:0:1::4", port: 119 },
  },
];
