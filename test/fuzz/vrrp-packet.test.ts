/**
 * Properties of the VRRP codec: round trip, never throws, never reads what is not there.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  advertisementResults,
  createAdvertisement,
  createHmacScratch,
  decodeAdvertisement,
  encodeAdvertisement,
  messageBytesMax,
  setAddresses,
  verifyHmac,
} from "../../src/vrrp/index.ts";
import type { Advertisement, AdvertisementResult } from "../../src/vrrp/index.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const octet = fc.integer({ min: 0, max: 255 });

const forms = fc.constantFrom(
  { version: 2, family: 4 } as const,
  { version: 3, family: 4 } as const,
  { version: 3, family: 6 } as const,
);

const packets = forms.chain(({ version, family }) => {
  const address = bytesOf(family === 4 ? 4 : 16);
  const unitMs = version === 2 ? 1000 : 10;
  return fc.record({
    version: fc.constant(version),
    family: fc.constant(family),
    vrid: fc.integer({ min: 1, max: 255 }),
    priority: octet,
    intervalMs: fc.integer({ min: 1, max: version === 2 ? 255 : 4095 }).map((n) => n * unitMs),
    list: fc.array(address, { minLength: 1, maxLength: 255 }),
    authType: version === 2 ? fc.constantFrom(0, 1, 2) : fc.constant(0),
    authData: version === 2 ? bytesOf(8) : fc.constant(new Uint8Array(8)),
    dialect: fc.constantFrom("pseudo-header" as const, "message" as const),
    envelope: fc.record({ source: address, destination: address }),
  });
});

describe("VRRP codec", () => {
  test("decodes what was encoded", () => {
    const property = fc.property(packets, ({ list, envelope, ...fields }) => {
      const advertisement: Advertisement = { ...createAdvertisement(fields.family), ...fields };
      setAddresses(advertisement, list);
      const bytes = new Uint8Array(messageBytesMax);
      const length = encodeAdvertisement(advertisement, envelope, bytes);
      const out = createAdvertisement(fields.family);
      const result = decodeAdvertisement(bytes.subarray(0, length), envelope, out);
      expect(result).toEqual({ ok: true });
      const { version, vrid, priority, intervalMs, authType, authData } = fields;
      const addressCount = list.length;
      expect(out).toMatchObject({ version, vrid, priority, intervalMs, authType, authData });
      expect([out.addressCount, out.messageBytes]).toEqual([addressCount, length]);
      const listBytes = addressCount * list[0]!.length;
      expect(out.addresses.subarray(0, listBytes).toHex()).toBe(
        list.map((address) => address.toHex()).join(""),
      );
    });
    fc.assert(property, { seed, numRuns });
  });

  test("every single flipped bit of the message is seen", () => {
    const property = fc.property(packets, fc.nat(), ({ list, envelope, ...fields }, where) => {
      const advertisement: Advertisement = { ...createAdvertisement(fields.family), ...fields };
      setAddresses(advertisement, list);
      const bytes = new Uint8Array(messageBytesMax);
      const length = encodeAdvertisement(advertisement, envelope, bytes);
      const bit = where % (length * 8);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const out = createAdvertisement(fields.family);
      expect(decodeAdvertisement(bytes.subarray(0, length), envelope, out).ok).toBe(false);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("no bytes make it throw, and each gets a reason of the list", () => {
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      // Past the first checks: version, type and a count that fits.
      fc
        .tuple(fc.constantFrom(0x21, 0x31), fc.uint8Array({ minLength: 7, maxLength: 60 }))
        .map(([first, rest]) => Uint8Array.of(first, ...rest)),
    );
    const mac = { sign: (): Uint8Array => new Uint8Array(32) };
    const scratch = createHmacScratch();
    const property = fc.property(hostile, fc.constantFrom(4, 6), (bytes, family) => {
      const source = new Uint8Array(family === 4 ? 4 : 16);
      const out = createAdvertisement(family);
      const decoded = decodeAdvertisement(bytes, { source, destination: source }, out);
      const result: AdvertisementResult = decoded.ok ? "accepted" : decoded.reason;
      expect(advertisementResults).toContain(result);
      if (decoded.ok) {
        const verdict = verifyHmac({ bytes, advertisement: out, source }, scratch, mac);
        expect(advertisementResults).toContain(verdict);
      }
    });
    fc.assert(property, { seed, numRuns });
  });
});
