import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  PortionReader,
  PortionWriter,
  recordBytesOf,
  recordOffset,
} from "../../../../src/datapath/bpf/connection-codec.ts";
import type { AddressWidth } from "../../../../src/datapath/bpf/connection-codec.ts";
import { parseAddress } from "../../../../src/net/address.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

/** `struct flow4`: 198.51.100.9:1000 to 192.0.2.2:80, TCP. */
const flow4 = Uint8Array.of(198, 51, 100, 9, 192, 0, 2, 2, 0x03, 0xe8, 0, 80, 6, 0, 0, 0);
const rest = { address: parseAddress("192.0.2.11")!, port: 8080, isFallback: true, state: 1 };

describe("PortionWriter", () => {
  test("writes a record as the head of the module says", () => {
    const writer = new PortionWriter(4, 2);
    writer.add(flow4, 0, { ...rest, ageS: 258 });
    expect(writer.entries).toBe(1);
    // prettier-ignore
    expect([...writer.finish()]).toEqual([
      4, // IPv4
      6, 1, 1, 0, // TCP, the client has closed, fallback
      0, 0, 1, 2, // 258 s
      0x03, 0xe8, 0, 80, 0x1f, 0x90, 0, 0, // ports 1000, 80, 8080
      198, 51, 100, 9,
      192, 0, 2, 2,
      192, 0, 2, 11,
    ]);
    // And begins anew.
    expect([writer.entries, [...writer.finish()]]).toEqual([0, [4]]);
  });
});

describe("PortionReader", () => {
  test("reads what was written", () => {
    const writer = new PortionWriter(4, 2);
    for (const ageS of [0, 4_000_000_000]) writer.add(flow4, 0, { ...rest, ageS });
    const reader = PortionReader.open(writer.finish())!;
    expect([reader.width, reader.entries]).toEqual([4, 2]);
    const at = reader.at(1);
    expect(reader.ageS(at)).toBe(4_000_000_000);
    expect(reader.port(at, recordOffset.clientPort)).toBe(1000);
    expect(reader.port(at, recordOffset.virtualPort)).toBe(80);
    expect(reader.port(at, recordOffset.serverPort)).toBe(8080);
    expect([reader.state(at), reader.isUdp(at), reader.isFallback(at)]).toEqual([1, false, true]);
  });

  test("an empty portion has no entries", () => {
    expect(PortionReader.open(Uint8Array.of(6))).toMatchObject({ entries: 0, width: 16 });
  });

  test("a portion with too many entries is none", () => {
    const bytes = new Uint8Array(1 + 4097 * recordBytesOf(4)).fill(0);
    bytes[0] = 4;
    for (let entry = 0; entry < 4097; entry++) bytes[1 + entry * recordBytesOf(4)] = 17;
    expect(PortionReader.open(bytes)).toBeUndefined();
    expect(PortionReader.open(bytes.subarray(0, 1 + 4096 * recordBytesOf(4)))?.entries).toBe(4096);
  });

  test("round trip of everything that a record says", () => {
    const record = fc.record({
      protocol: fc.constantFrom(6, 17),
      ports: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      addresses: fc.uint8Array({ minLength: 48, maxLength: 48 }),
      port: fc.integer({ min: 0, max: 65_535 }),
      isFallback: fc.boolean(),
      state: fc.integer({ min: 0, max: 7 }),
      ageS: fc.nat(),
    });
    const records = fc.array(record, { maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom<AddressWidth>(4, 16), records, (width, all) => {
        const writer = new PortionWriter(width, 5);
        for (const { protocol, ports, addresses, ...one } of all) {
          const flow = [...addresses.subarray(0, 2 * width), ...ports, protocol, 0, 0, 0];
          const address = addresses.slice(2 * width, 3 * width);
          writer.add(Uint8Array.from(flow), 0, { ...one, address });
        }
        const reader = PortionReader.open(writer.finish())!;
        expect(reader.entries).toBe(all.length);
        for (const [entry, one] of all.entries()) {
          const at = reader.at(entry);
          expect(reader.isUdp(at)).toBe(one.protocol === 17);
          expect(reader.ageS(at)).toBe(one.ageS);
          expect(reader.state(at)).toBe(one.state);
          expect(reader.isFallback(at)).toBe(one.isFallback);
          expect(reader.port(at, recordOffset.serverPort)).toBe(one.port);
          const addresses = at + recordOffset.addresses;
          expect(reader.bytes.subarray(addresses, addresses + 3 * width)).toEqual(
            one.addresses.subarray(0, 3 * width),
          );
        }
      }),
      { seed, numRuns },
    );
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const reader = PortionReader.open(bytes);
        if (reader === undefined) return;
        for (let entry = 0; entry < reader.entries; entry++) {
          const at = reader.at(entry);
          expect(reader.state(at)).toBeLessThanOrEqual(7);
          expect(at + recordBytesOf(reader.width)).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { seed, numRuns },
    );
  });
});
