import { describe, expect, test } from "bun:test";

import { balancerObject, fenceObject } from "../../../../src/bpf/index.ts";
import {
  decodeConnection,
  decodeFlow,
  decodeServer,
  decodeService,
  encodeEndpoint,
  encodeReply,
  encodeServer,
  encodeService,
  serversMax,
  servicesMax,
  sizes,
  slotsMax,
  sumCounters,
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
    ["loads", serversMax],
    ["refusals", servicesMax],
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

test("encodeService() makes a mask of the bits that tell clients apart", () => {
  const service = { id: 5, table: 6, slots: 7, persistenceS: 8, scheduler: 2, hashBits: 9 };
  const bytes = encodeService({ ...service, clientBits: 20, flags: 1 });
  expect(bytes.toHex()).toBe(
    "05000000060000000700000008000000fffff0000000000000000000000000000209010000000000",
  );
  expect(decodeService(bytes)).toEqual({ id: 5, table: 6, slots: 7 });
});

test.each(["192.0.2.1", "2001:db8::1"])("a server at %s is read as it was written", (address) => {
  const record = { address, port: 443, device: 3, service: 4, generation: 9, flags: 33, weight: 7 };
  expect(decodeServer(encodeServer(record))).toEqual(record);
});

test("encodeReply() names the virtual server", () => {
  expect(encodeReply({ address: "192.0.2.1", port: 80 }, 1).toHex()).toBe("c000020100500100");
});

test("decodeConnection() and decodeFlow() read what the program writes", () => {
  const value = Uint8Array.fromHex("0102030405060708090a0b0c0d0e0f1005000000");
  expect(decodeConnection(new DataView(value.buffer), 0)).toEqual({
    server: 0x04030201,
    generation: 0x08070605,
    seenS: 0x0c0b0a09,
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
