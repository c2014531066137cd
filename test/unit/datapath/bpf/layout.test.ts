import { describe, expect, test } from "bun:test";

import { balancerObject, fenceObject } from "../../../../src/bpf/index.ts";
import {
  decodeConnection,
  decodeFlow,
  decodeLoad,
  decodeServer,
  decodeService,
  encodeClientNetwork,
  encodeEndpoint,
  encodeLoad,
  encodeRange,
  encodeReply,
  encodeServer,
  encodeService,
  serversMax,
  servicesMax,
  sizes,
  slotsMax,
  sumCounters,
  tickMs,
} from "../../../../src/datapath/bpf/layout.ts";

const { maps } = balancerObject();

describe("maps of the program", () => {
  test.each(Object.entries(sizes))("%s has keys and values of this length", (name, bytes) => {
    const map = maps.find((one) => one.name === name)!;
    expect({ key: map.keyBytes, value: map.valueBytes }).toEqual(bytes);
  });

  test.each([
    ["servers", serversMax],
    ["server_counts", serversMax],
    ["loads", serversMax + servicesMax],
    ["service_refusals", servicesMax],
    ["turns", servicesMax],
    ["slots", slotsMax],
  ])("%s has this many entries", (name, entriesMax) => {
    expect(maps.find((one) => one.name === name)).toMatchObject({ entriesMax });
  });

  test.each(["addresses4", "addresses6", "leases"])("%s is the map of the fence", (name) => {
    const fence = fenceObject().maps.find((one) => one.name === name);
    expect(maps.find((one) => one.name === name)).toEqual(fence);
  });
});

test("encodeEndpoint() puts address and port into network order", () => {
  expect(encodeEndpoint({ address: "192.0.2.1", port: 8080 }, "tcp").toHex()).toBe(
    "c00002010000000000000000000000001f900600",
  );
  expect(encodeEndpoint({ address: "2001:db8::1", port: 53 }, "udp").toHex()).toBe(
    "20010db800000000000000000000000100351101",
  );
});

test("encodeRange() counts bits of the port behind everything else", () => {
  const prefix = { port: 8192, bits: 5 };
  expect(encodeRange("192.0.2.1", prefix, "tcp").toHex()).toBe(
    "95000000c000020100000000000000000000000006002000",
  );
  expect(encodeRange("2001:db8::1", { port: 0, bits: 0 }, "udp").toHex()).toBe(
    "9000000020010db800000000000000000000000111010000",
  );
});

test("encodeClientNetwork() tells lists and families of a service apart", () => {
  expect(encodeClientNetwork(5, "allow", { address: "192.0.2.0", prefixBits: 24 }).toHex()).toBe(
    "3800000014000000c0000200000000000000000000000000",
  );
  expect(encodeClientNetwork(5, "deny", { address: "2001:db8::", prefixBits: 32 }).toHex()).toBe(
    "400000001700000020010db8000000000000000000000000",
  );
});

test("encodeService() makes a mask of the bits that tell clients apart", () => {
  const service = { id: 5, table: 6, slots: 7, members: 3, scheduler: 2, hashBits: 9 };
  const bytes = encodeService({
    ...service,
    persistenceMs: 8 * tickMs,
    clientBits: 20,
    flags: 0x201,
    connectionLimit: 4,
    lease: 3,
  });
  expect(bytes.toHex()).toBe(
    [
      "05000000060000000700000008000000fffff0000000000000000000000000000209",
      "0102030000000400000003000000",
    ].join(""),
  );
  expect(decodeService(bytes)).toEqual({ id: 5, table: 6, slots: 7, members: 3 });
});

test.each(["192.0.2.1", "2001:db8::1"])("a server at %s is read as it was written", (address) => {
  const kept = { address, port: 443, service: 4, generation: 9, flags: 161, weight: 7 };
  const rest = { device: 3, upper: 8, lower: 6, mtu: 1480, lease: 5 };
  expect(decodeServer(encodeServer({ ...kept, ...rest, source: "192.0.2.9" }))).toEqual(kept);
});

test("encodeServer() puts everything into its place", () => {
  const bytes = encodeServer({
    address: "192.0.2.11",
    source: "192.0.2.9",
    port: 80,
    device: 3,
    service: 4,
    generation: 9,
    flags: 0x141,
    weight: 7,
    upper: 8,
    lower: 6,
    mtu: 1480,
    lease: 5,
  });
  expect(bytes.toHex()).toBe(
    [
      "c000020b000000000000000000000000c0000209000000000000000000000000",
      "030000000400000009000000005041010700000008000000",
      "06000000c805050000000000",
    ].join(""),
  );
});

test.each([
  { count: 3, isFull: true },
  { count: -1, isFull: false },
])("a load is read as it was written: %p", (load) => {
  expect(decodeLoad(encodeLoad(load))).toEqual(load);
});

test("encodeReply() names the virtual server", () => {
  expect(encodeReply({ address: "192.0.2.1", port: 80 }, 1).toHex()).toBe(
    "c000020100000000000000000000000000500100",
  );
});

test("decodeConnection() and decodeFlow() read what the program writes", () => {
  const value = Uint8Array.fromHex("0102030405060708090a0b0c0d0e0f1005000000");
  expect(decodeConnection(new DataView(value.buffer), 0)).toEqual({
    server: 0x04030201,
    generation: 0x08070605,
    seenMs: 0x0c0b0a09 * tickMs,
    state: 5,
  });
  expect(decodeFlow(Uint8Array.fromHex("c6336409c00002010400005006000000"))).toEqual({
    client: { address: "198.51.100.9", port: 1024 },
    virtual: { address: "192.0.2.1", port: 80 },
    protocol: "tcp",
  });
  const six = "20010db800000000000000000000000920010db8000000000000000000000001";
  expect(decodeFlow(Uint8Array.fromHex(`${six}0400005011000000`))).toEqual({
    client: { address: "2001:db8::9", port: 1024 },
    virtual: { address: "2001:db8::1", port: 80 },
    protocol: "udp",
  });
});

test("sumCounters() adds up the copies of all processors", () => {
  expect(sumCounters(BigUint64Array.of(1n, 2n, 3n, 4n, 5n, 10n, 20n, 30n, 40n, 50n))).toEqual({
    connections: 11,
    packetsIn: 22,
    bytesIn: 33,
    packetsOut: 44,
    bytesOut: 55,
  });
});
