/**
 * PROXY protocol: bytes of the specification, every reason to refuse, every boundary.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import { parseAddress } from "../../../src/net/address.ts";
import {
  decodeProxyHeader,
  encodeProxyV1,
  encodeProxyV2,
  proxyV1BytesMax,
  proxyV2BytesMax,
} from "../../../src/net/proxy-protocol.ts";
import type { ProxyDecoded, ProxyFault, ProxyFlow } from "../../../src/net/proxy-protocol.ts";

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(/\s/g, ""));

function end(address: string, port: number): ProxyFlow["source"] {
  return { address: parseAddress(address)!, port };
}

const tcp4: ProxyFlow = {
  transport: "tcp",
  source: end("192.168.0.1", 56324),
  destination: end("192.168.0.11", 443),
};
const tcp6: ProxyFlow = {
  transport: "tcp",
  source: end("2001:db8::1", 1),
  destination: end("2001:db8::2", 65535),
};
const mixed: ProxyFlow = {
  transport: "tcp",
  source: end("192.0.2.1", 4000),
  destination: end("2001:db8::2", 80),
};

/** What decoding gives for a header of this length. */
function header(headerBytes: number, flow: ProxyFlow | undefined): ProxyDecoded {
  const { transport, source, destination } = flow ?? {};
  return { kind: "header", headerBytes, transport, source, destination };
}

const signature = "0d0a0d0a 000d0a51 5549540a";

describe("encodeProxyV1", () => {
  // The first line is the example of the specification, section 2.1.
  test.each<[string, ProxyFlow | undefined, string]>([
    ["TCP4", tcp4, "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"],
    ["TCP6", tcp6, "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"],
    ["mixed families", mixed, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4000 80\r\n"],
    ["UDP has no word of its own", { ...tcp4, transport: "udp" }, "PROXY UNKNOWN\r\n"],
    [
      "no transport is TCP",
      { ...tcp4, transport: undefined },
      "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
    ],
    ["no addresses", undefined, "PROXY UNKNOWN\r\n"],
  ])("writes %s", (_name, flow, line) => {
    expect(Buffer.from(encodeProxyV1(flow)).toString("latin1")).toBe(line);
  });

  test("stays within the longest line of the specification", () => {
    const longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const flow: ProxyFlow = {
      transport: "tcp",
      source: end(longest, 65535),
      destination: end(longest, 65535),
    };
    expect(encodeProxyV1(flow).length).toBe(104);
  });
});

describe("encodeProxyV2", () => {
  test.each<[string, ProxyFlow | undefined, string]>([
    ["TCP over IPv4", tcp4, `${signature} 21 11 000c c0a80001 c0a8000b dc04 01bb`],
    [
      "UDP over IPv4",
      { ...tcp4, transport: "udp" },
      `${signature} 21 12 000c c0a80001 c0a8000b dc04 01bb`,
    ],
    [
      "TCP over IPv6",
      tcp6,
      `${signature} 21 21 0024 20010db8000000000000000000000001
       20010db8000000000000000000000002 0001 ffff`,
    ],
    [
      "UDP over IPv6",
      { ...tcp6, transport: "udp" },
      `${signature} 21 22 0024 20010db8000000000000000000000001
       20010db8000000000000000000000002 0001 ffff`,
    ],
    [
      "mixed families as IPv6",
      mixed,
      `${signature} 21 21 0024 00000000000000000000ffffc0000201
       20010db8000000000000000000000002 0fa0 0050`,
    ],
    ["LOCAL", undefined, `${signature} 20 00 0000`],
  ])("writes %s", (_name, flow, bytes) => {
    expect(encodeProxyV2(flow).toHex()).toBe(hex(bytes).toHex());
  });
});

describe("decodeProxyHeader", () => {
  test.each<[string, Uint8Array, number, ProxyFlow | undefined]>([
    ["TCP4", latin1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET /"), 47, tcp4],
    ["TCP6 in upper case", latin1("PROXY TCP6 2001:DB8::1 2001:DB8::2 1 65535\r\n"), 44, tcp6],
    ["UNKNOWN", latin1("PROXY UNKNOWN\r\n"), 15, undefined],
    ["UNKNOWN with a rest", latin1("PROXY UNKNOWN any \x00\xff thing\r\nx"), 28, undefined],
    [
      "the longest line",
      latin1(`PROXY UNKNOWN ${"f".repeat(proxyV1BytesMax - 16)}\r\n`),
      proxyV1BytesMax,
      undefined,
    ],
    ["v2 IPv4", hex(`${signature} 21 11 000c c0a80001 c0a8000b dc04 01bb ff`), 28, tcp4],
    [
      "v2 IPv4 with a TLV",
      hex(`${signature} 21 11 0010 c0a80001 c0a8000b dc04 01bb 04 0001 00`),
      32,
      tcp4,
    ],
    [
      "v2 UDP",
      hex(`${signature} 21 12 000c c0a80001 c0a8000b dc04 01bb`),
      28,
      { ...tcp4, transport: "udp" },
    ],
    ["v2 LOCAL", hex(`${signature} 20 00 0000`), 16, undefined],
    ["v2 LOCAL with a family to ignore", hex(`${signature} 20 ff 0002 abcd`), 18, undefined],
    ["v2 LOCAL with an address to ignore", hex(`${signature} 20 11 0001 00`), 17, undefined],
    ["v2 unspecified", hex(`${signature} 21 00 0003 010203`), 19, undefined],
    ["v2 IPv4 without transport", hex(`${signature} 21 10 0000`), 16, undefined],
    ["v2 unix", hex(`${signature} 21 31 00d8 ${"00".repeat(216)}`), 232, undefined],
    [
      "v2 of the greatest length",
      hex(`${signature} 20 00 0850 ${"00".repeat(2128)}`),
      proxyV2BytesMax,
      undefined,
    ],
  ])("takes %s", (_name, bytes, headerBytes, flow) => {
    expect(decodeProxyHeader(bytes)).toEqual(header(headerBytes, flow));
  });

  test.each<[string, Uint8Array, ProxyFault]>([
    ["another protocol", latin1("GET / HTTP/1.1\r\n"), "bad-signature"],
    ["a byte that starts neither", latin1("\n"), "bad-signature"],
    ["PROXI", latin1("PROXI TCP4"), "bad-signature"],
    ["a tab after PROXY", latin1("PROXY\tTCP4"), "bad-signature"],
    ["a bare line feed", latin1("PROXY UNKNOWN\n"), "bad-line"],
    ["a missing port", latin1("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), "bad-line"],
    ["a word too many", latin1("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), "bad-line"],
    ["two blanks", latin1("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), "bad-line"],
    ["a line that ends at once", latin1("PROXY \r\n"), "bad-line"],
    ["UDP4", latin1("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), "bad-family"],
    ["tcp4 in lower case", latin1("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"), "bad-family"],
    ["UNKNOWNX", latin1("PROXY UNKNOWNX a b c d\r\n"), "bad-family"],
    ["a part above 255", latin1("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"), "bad-address"],
    ["a leading zero", latin1("PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n"), "bad-address"],
    ["IPv6 in TCP4", latin1("PROXY TCP4 ::1 ::2 1 2\r\n"), "bad-address"],
    ["IPv4 in TCP6", latin1("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), "bad-address"],
    ["an empty address", latin1("PROXY TCP4  192.0.2.2 1 2\r\n"), "bad-address"],
    ["a port above 65535", latin1("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), "bad-port"],
    ["a port with a zero", latin1("PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n"), "bad-port"],
    ["a signed port", latin1("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), "bad-port"],
    ["no end of line", latin1(`PROXY UNKNOWN ${" ".repeat(93)}`), "too-long"],
    ["a line one too long", latin1(`PROXY UNKNOWN ${" ".repeat(92)}\r\n`), "too-long"],
    ["v2 signature with a fault", hex("0d0a0d0a 010d"), "bad-signature"],
    ["v2 version 1", hex(`${signature} 11 11 000c`), "bad-version"],
    ["v2 command 2", hex(`${signature} 22 11 000c`), "bad-command"],
    ["v2 family 4", hex(`${signature} 21 41 0000`), "bad-family"],
    ["v2 transport 3", hex(`${signature} 21 13 000c`), "bad-family"],
    ["v2 IPv4 with 11 bytes", hex(`${signature} 21 11 000b`), "too-short"],
    ["v2 IPv6 with 12 bytes", hex(`${signature} 21 21 000c`), "too-short"],
    ["v2 above the bound", hex(`${signature} 21 11 0851`), "too-long"],
    ["v2 of 65,551 bytes", hex(`${signature} 20 00 ffff`), "too-long"],
  ])("refuses %s", (_name, bytes, reason) => {
    expect(decodeProxyHeader(bytes)).toEqual({ kind: "invalid", reason });
  });

  test("says incomplete for nothing at all", () => {
    expect(decodeProxyHeader(new Uint8Array())).toEqual({ kind: "incomplete" });
  });

  test("copies the addresses, so that the buffer may be used again", () => {
    const bytes = encodeProxyV2(tcp4);
    const decoded = decodeProxyHeader(bytes);
    bytes.fill(0);
    expect(decoded).toEqual(header(28, tcp4));
  });

  test("reads a view that does not start at its buffer's start", () => {
    const bytes = Uint8Array.from([0, 0, 0, ...encodeProxyV2(tcp6), 0]);
    const decoded = decodeProxyHeader(bytes.subarray(3));
    expect(decoded).toEqual(header(52, tcp6));
  });
});
