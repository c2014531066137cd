/**
 * Network lists against an independent, slower way to answer the same question.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  formatAddress,
  maskAddress,
  parseAddress,
  parseNetwork,
} from "../../../src/net/address.ts";
import type { Network } from "../../../src/net/address.ts";
import { compileNetworks } from "../../../src/net/network-list.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

function networks(...texts: string[]): Network[] {
  return texts.map((text) => parseNetwork(text)!);
}

function isIn(list: readonly Network[], address: string): boolean {
  const bytes = parseAddress(address)!;
  return compileNetworks(list).matches(bytes, 0, bytes.length === 4 ? 4 : 6);
}

describe("compileNetworks", () => {
  test.each<[string, string[], string, boolean]>([
    ["an empty list", [], "192.0.2.1", false],
    ["a host", ["192.0.2.1"], "192.0.2.1", true],
    ["the address below a host", ["192.0.2.1"], "192.0.2.0", false],
    ["the address above a host", ["192.0.2.1"], "192.0.2.2", false],
    ["the first of a /24", ["192.0.2.0/24"], "192.0.2.0", true],
    ["the last of a /24", ["192.0.2.0/24"], "192.0.2.255", true],
    ["before a /24", ["192.0.2.0/24"], "192.0.1.255", false],
    ["after a /24", ["192.0.2.0/24"], "192.0.3.0", false],
    ["/0 and the lowest address", ["0.0.0.0/0"], "0.0.0.0", true],
    ["/0 and the highest address", ["0.0.0.0/0"], "255.255.255.255", true],
    ["/1, upper half", ["128.0.0.0/1"], "200.0.0.1", true],
    ["/1, lower half", ["128.0.0.0/1"], "127.255.255.255", false],
    ["/31", ["192.0.2.2/31"], "192.0.2.3", true],
    ["nested, outside the inner one", ["10.0.0.0/8", "10.1.0.0/16"], "10.2.0.1", true],
    ["nested, listed inner first", ["10.1.0.0/16", "10.0.0.0/8"], "10.0.0.1", true],
    ["equal twice", ["10.0.0.0/8", "10.0.0.0/8"], "10.255.255.255", true],
    ["between two", ["10.0.0.0/24", "10.0.2.0/24"], "10.0.1.9", false],
    ["IPv6 host", ["2001:db8::1"], "2001:db8::1", true],
    ["IPv6 /32", ["2001:db8::/32"], "2001:db8:ffff::9", true],
    ["IPv6 beside /32", ["2001:db8::/32"], "2001:db9::", false],
    ["IPv6 /33", ["2001:db8:8000::/33"], "2001:db8:7fff:ffff::", false],
    ["IPv6 /127", ["2001:db8::2/127"], "2001:db8::3", true],
    ["IPv6 ::/0", ["::/0"], "ffff::", true],
    ["IPv4 against an IPv6 list", ["::/0"], "192.0.2.1", false],
    ["IPv6 against an IPv4 list", ["0.0.0.0/0"], "2001:db8::1", false],
    ["mapped IPv4 against an IPv4 list", ["192.0.2.0/24"], "::ffff:192.0.2.9", true],
    ["mapped IPv4 outside the IPv4 list", ["192.0.2.0/24"], "::ffff:192.0.3.9", false],
    ["mapped IPv4 against a mapped network", ["::ffff:192.0.2.0/120"], "::ffff:192.0.2.9", true],
    ["an address that only ends like IPv4", ["192.0.2.0/24"], "::fffe:192.0.2.9", false],
  ])("matches() with %s", (_name, list, address, expected) => {
    expect(isIn(networks(...list), address)).toBe(expected);
  });

  test("drops networks within others", () => {
    const list = networks("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.1", "::1", "::/64");
    expect(compileNetworks(list).size).toBe(3);
  });

  test("reads the address at an offset", () => {
    const matcher = compileNetworks(networks("192.0.2.0/24", "2001:db8::/32"));
    const ipv4 = Uint8Array.from([1, 2, 192, 0, 2, 7, 3]);
    expect(matcher.matches(ipv4, 2, 4)).toBe(true);
    expect(matcher.matches(ipv4, 1, 4)).toBe(false);
    const ipv6 = Uint8Array.from([9, ...parseAddress("2001:db8::5")!]);
    expect(matcher.matches(ipv6, 1, 6)).toBe(true);
  });

  test("ignores a text that is no address", () => {
    expect(compileNetworks([{ address: "www.example.org", prefixBits: 32 }]).size).toBe(0);
  });

  test("answers like masking each network in turn", () => {
    const bytes = fc.oneof(
      // Few distinct values, so that addresses meet networks.
      fc.uint8Array({ minLength: 4, maxLength: 4, max: 3 }),
      fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    const network = fc.tuple(bytes, fc.nat(128)).map(([address, bits]): Network => {
      const prefixBits = Math.min(bits, address.length * 8);
      return { address: formatAddress(maskAddress(address, prefixBits)), prefixBits };
    });
    const property = fc.property(fc.array(network, { maxLength: 12 }), bytes, (list, address) => {
      const expected = list.some(({ address: base, prefixBits }) => {
        const baseBytes = parseAddress(base)!;
        if (baseBytes.length !== address.length) return false;
        return formatAddress(maskAddress(address, prefixBits)) === base;
      });
      const matcher = compileNetworks(list);
      expect(matcher.matches(address, 0, address.length === 4 ? 4 : 6)).toBe(expected);
    });
    fc.assert(property, { seed, numRuns });
  });
});
