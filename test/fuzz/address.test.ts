/**
 * Properties of address texts: round trip, one text for one address, hostile texts.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";
import { isIPv4, isIPv6 } from "node:net";

import * as fc from "fast-check";

import {
  formatAddress,
  formatEndpoint,
  formatNetwork,
  maskAddress,
  parseAddress,
  parseEndpoint,
  parseIpv4,
  parseIpv6,
  parseNetwork,
  splitHostPort,
} from "../../src/net/address.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

const bytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Runs of zeros, where the shortening of RFC 5952 has to choose.
  fc
    .array(fc.constantFrom(0, 0, 0, 1), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [0, group]))),
);

/** Texts made of what addresses are made of, so that many are nearly right. */
const nearText = fc
  .array(fc.constantFrom(..."0123456789abcdefF:::...[]/%x ".split("")), { maxLength: 46 })
  .map((parts) => parts.join(""));

describe("addresses", () => {
  test("parseAddress() undoes formatAddress()", () => {
    const property = fc.property(bytes, (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("formatAddress() writes IPv6 as the kernel does", () => {
    const property = fc.property(bytes, (address) => {
      if (address.length === 4) return;
      const text = formatAddress(address);
      // WHATWG URLs shorten in the same way, but write mapped addresses in hexadecimal.
      if (text.startsWith("::ffff:")) return;
      expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("the parsers take what node:net takes, and nothing else", () => {
    const property = fc.property(fc.oneof(nearText, fc.string()), (text) => {
      expect(parseIpv4(text) !== undefined).toBe(isIPv4(text));
      // node:net also takes a zone (`fe80::1%eth0`), which is no part of an address here.
      expect(parseIpv6(text) !== undefined).toBe(isIPv6(text) && !text.includes("%"));
    });
    fc.assert(property, { seed, numRuns: numRuns * 4 });
  });

  test("parseEndpoint() undoes formatEndpoint()", () => {
    const property = fc.property(bytes, fc.nat(65535), (address, port) => {
      const endpoint = { address: formatAddress(address), port };
      expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("parseNetwork() undoes formatNetwork()", () => {
    const property = fc.property(bytes, fc.nat(128), (address, bits) => {
      const prefixBits = Math.min(bits, address.length * 8);
      const network = { address: formatAddress(maskAddress(address, prefixBits)), prefixBits };
      expect(parseNetwork(formatNetwork(network))).toEqual(network);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("hostile texts never throw, and what is taken is canonical or becomes so", () => {
    const property = fc.property(fc.oneof(nearText, fc.string()), (text) => {
      const endpoint = parseEndpoint(text);
      if (endpoint !== undefined) expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint);
      const network = parseNetwork(text);
      if (network !== undefined) expect(parseNetwork(formatNetwork(network))).toEqual(network);
      const split = splitHostPort(text);
      if (split !== undefined) expect(split.port).toBeLessThanOrEqual(65535);
    });
    fc.assert(property, { seed, numRuns: numRuns * 2 });
  });
});
