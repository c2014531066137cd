/**
 * Addresses, endpoints and networks: what is taken, what is refused, what is written.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import {
  canonicalAddress,
  familyOf,
  foldAddress,
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
} from "../../../src/net/address.ts";

describe("parseIpv4", () => {
  test.each<[string, number[]]>([
    ["0.0.0.0", [0, 0, 0, 0]],
    ["192.0.2.1", [192, 0, 2, 1]],
    ["255.255.255.255", [255, 255, 255, 255]],
  ])("takes %s", (text, bytes) => {
    expect([...parseIpv4(text)!]).toEqual(bytes);
  });

  test.each([
    ["nothing", ""],
    ["three parts", "192.0.2"],
    ["five parts", "192.0.2.1.1"],
    ["a part above 255", "192.0.2.256"],
    ["a leading zero", "192.0.2.01"],
    ["a sign", "192.0.2.-1"],
    ["hexadecimal", "192.0.2.0x1"],
    ["a blank", "192.0.2.1 "],
    ["a line feed", "192.0.2.1\n"],
    ["a name", "www.example.org"],
    ["an empty part", "192..2.1"],
    ["digits of another script", "١.١.١.١"],
  ])("refuses %s", (_name, text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });
});

describe("parseIpv6", () => {
  test.each<[string, string]>([
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329"],
    ["2001:DB8::A", "20010db800000000000000000000000a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
    ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"],
  ])("takes %s", (text, hex) => {
    expect(parseIpv6(text)!.toHex()).toBe(hex);
  });

  test.each([
    ["nothing", ""],
    ["one colon", ":"],
    ["three colons", ":::"],
    ["two gaps", "1::2::3"],
    ["seven groups", "1:2:3:4:5:6:7"],
    ["nine groups", "1:2:3:4:5:6:7:8:9"],
    ["a gap for nothing", "1:2:3:4::5:6:7:8"],
    ["a colon at the start", ":1:2:3:4:5:6:7"],
    ["a colon at the end", "1:2:3:4:5:6:7:"],
    ["five digits", "12345::"],
    ["a letter", "g::"],
    ["a zone", "fe80::1%eth0"],
    ["brackets", "[::1]"],
    ["a prefix", "::1/64"],
    ["a quad in the middle", "::192.0.2.1:1"],
    ["a quad that is none", "::192.0.2.999"],
    ["IPv4", "192.0.2.1"],
    ["far too long a text", `${"0:".repeat(5000)}1`],
  ])("refuses %s", (_name, text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });
});

describe("formatAddress", () => {
  // The IPv6 rows are the rules of RFC 5952, section 4.
  test.each<[string, string, string]>([
    ["IPv4", "192.0.2.1", "192.0.2.1"],
    ["no leading zeros (4.1)", "2001:0db8::0001", "2001:db8::1"],
    ["shorten as much as possible (4.2.1)", "2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["not one group only (4.2.2)", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["the longest run (4.2.3)", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["the first of equal runs (4.2.3)", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["lower case (4.3)", "2001:DB8::ABCD", "2001:db8::abcd"],
    ["mapped IPv4 as a quad (5)", "::ffff:c000:201", "::ffff:192.0.2.1"],
    ["a run at the end", "1:0:0:0:0:0:0:0", "1::"],
    ["all zeros", "0:0:0:0:0:0:0:0", "::"],
  ])("follows %s", (_name, text, expected) => {
    expect(formatAddress(parseAddress(text)!)).toBe(expected);
  });

  test("canonicalAddress() is undefined for a name", () => {
    expect(canonicalAddress("www.example.org")).toBeUndefined();
    expect(canonicalAddress("2001:DB8:0::1")).toBe("2001:db8::1");
  });

  test("familyOf() tells the families apart", () => {
    expect(familyOf("192.0.2.1")).toBe(4);
    expect(familyOf("::1")).toBe(6);
  });
});

describe("splitHostPort", () => {
  test.each<[string, { host: string; port: number } | undefined]>([
    ["192.0.2.1:80", { host: "192.0.2.1", port: 80 }],
    ["www.example.org:443", { host: "www.example.org", port: 443 }],
    ["[2001:db8::1]:80", { host: "2001:db8::1", port: 80 }],
    ["a:0", { host: "a", port: 0 }],
    ["a:65535", { host: "a", port: 65535 }],
    ["a:65536", undefined],
    ["a:-1", undefined],
    ["a:", undefined],
    [":80", undefined],
    ["[]:80", undefined],
    ["[www.example.org]:80", undefined],
    ["a", undefined],
    ["2001:db8::1:80", undefined],
    ["[2001:db8::1]", undefined],
    ["[2001:db8::1]80", undefined],
    ["a:80 ", undefined],
  ])("reads %s", (text, expected) => {
    expect(splitHostPort(text)).toEqual(expected);
  });
});

describe("parseEndpoint", () => {
  test.each<[string, string | undefined]>([
    ["192.0.2.1:80", "192.0.2.1:80"],
    ["[2001:DB8::1]:80", "[2001:db8::1]:80"],
    ["[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80"],
    ["[192.0.2.1]:80", undefined],
    ["2001:db8::1:80", undefined],
    ["www.example.org:80", undefined],
    ["192.0.2.1", undefined],
  ])("reads %s as %p", (text, expected) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint === undefined ? undefined : formatEndpoint(endpoint)).toBe(expected);
  });
});

describe("parseNetwork", () => {
  test.each<[string, { address: string; prefixBits: number } | undefined]>([
    ["192.0.2.0/24", { address: "192.0.2.0", prefixBits: 24 }],
    ["192.0.2.77/24", { address: "192.0.2.0", prefixBits: 24 }],
    ["192.0.2.77", { address: "192.0.2.77", prefixBits: 32 }],
    ["0.0.0.0/0", { address: "0.0.0.0", prefixBits: 0 }],
    ["2001:db8::1/33", { address: "2001:db8::", prefixBits: 33 }],
    ["::1", { address: "::1", prefixBits: 128 }],
    ["192.0.2.0/33", undefined],
    ["2001:db8::/129", undefined],
    ["192.0.2.0/", undefined],
    ["192.0.2.0/-1", undefined],
    ["192.0.2.0/24/8", undefined],
    ["192.0.2.0/255.255.255.0", undefined],
    ["192.0.2/24", undefined],
    ["/24", undefined],
    ["", undefined],
  ])("reads %s", (text, expected) => {
    expect(parseNetwork(text)).toEqual(expected);
  });

  test.each([
    ["192.0.2.0/24", "192.0.2.0/24"],
    ["192.0.2.1/32", "192.0.2.1"],
    ["::1/128", "::1"],
    ["2001:db8::/32", "2001:db8::/32"],
  ])("formatNetwork() writes %s", (text, expected) => {
    expect(formatNetwork(parseNetwork(text)!)).toBe(expected);
  });
});

describe("maskAddress", () => {
  test.each<[string, number, string]>([
    ["192.0.2.255", 32, "192.0.2.255"],
    ["192.0.2.255", 31, "192.0.2.254"],
    ["192.0.2.255", 20, "192.0.0.0"],
    ["192.0.2.255", 0, "0.0.0.0"],
    ["2001:db8:ffff::1", 33, "2001:db8:8000::"],
    ["2001:db8:ffff::1", 128, "2001:db8:ffff::1"],
  ])("cuts %s to %i bits", (text, prefixBits, expected) => {
    const bytes = parseAddress(text)!;
    expect(formatAddress(maskAddress(bytes, prefixBits))).toBe(expected);
    expect(formatAddress(bytes)).toBe(text);
  });
});

describe("foldAddress", () => {
  test.each<[string, number]>([
    ["0.0.0.0", 0],
    ["192.0.2.1", 0xc0000201],
    ["255.255.255.255", 0xffffffff],
    ["::1", 1],
    ["2001:db8::1", 0x20010db9],
    ["ffff:ffff::ffff:ffff", 0],
  ])("folds %s", (text, word) => {
    expect(foldAddress(parseAddress(text)!)).toBe(word);
  });
});
