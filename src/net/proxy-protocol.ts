/**
 * PROXY protocol, versions 1 and 2: who the client is, told ahead of its bytes.
 *
 * Source: "The PROXY protocol Versions 1 & 2", doc/proxy-protocol.txt of HAProxy, sections 2.1
 * and 2.2.
 *
 * ```text
 * v1:  PROXY TCP4 192.0.2.1 192.0.2.100 56324 443\r\n        one line, at most 107 bytes
 *      PROXY UNKNOWN ...\r\n                                 addresses unknown
 * v2:  0   signature 12                 0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *      12  version 2 | command          high, low 4 bits; command 0 LOCAL, 1 PROXY
 *      13  family | transport           1 IPv4, 2 IPv6, 3 unix | 1 stream, 2 datagram
 *      14  length of the rest u16       network order
 *      16  source | destination | source port u16 | destination port u16 | TLVs
 * ```
 * Pure. What is decoded is untrusted: nothing is thrown, and no byte is read past the end.
 *
 * @module
 */

import { formatAddress, parseIpv4, parseIpv6 } from "./address.ts";
import type { AddressBytes } from "./address.ts";

/** One end of the connection that a header speaks for. */
export interface ProxyEndpoint {
  /** 4 or 16 bytes in network order. */
  readonly address: AddressBytes;
  /** 0..65535. */
  readonly port: number;
}

/** What a header tells: the client, and the address that the client asked for. */
export interface ProxyFlow {
  /** Undefined means TCP. */
  readonly transport?: "tcp" | "udp" | undefined;
  readonly source: ProxyEndpoint;
  readonly destination: ProxyEndpoint;
}

/** Why bytes are no PROXY header. */
export type ProxyFault =
  | "bad-signature"
  | "bad-version"
  | "bad-command"
  | "bad-family"
  | "bad-line"
  | "bad-address"
  | "bad-port"
  | "too-long"
  | "too-short";

/** Outcome of {@link decodeProxyHeader}. */
export type ProxyDecoded =
  /** A header may still come of it: ask again with more bytes. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly reason: ProxyFault }
  | {
      readonly kind: "header";
      /** The client's own bytes start here. */
      readonly headerBytes: number;
      /** The three are undefined for LOCAL, UNKNOWN and unix: the connection's own ends hold. */
      readonly transport: "tcp" | "udp" | undefined;
      readonly source: ProxyEndpoint | undefined;
      readonly destination: ProxyEndpoint | undefined;
    };

/** Longest line of version 1 with its CRLF, as the specification counts it. */
export const proxyV1BytesMax = 107;

/**
 * Longest header that is taken: bytes that fill a buffer of this size without being a header are
 * none. The specification asks senders to stay within 536 bytes, so four times as much leaves room
 * for the TLVs of version 2 and bounds what a client can make us hold.
 */
export const proxyV2BytesMax = 2144;

const signature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
const fixedBytes = 16;
const version2 = 2;
const commandLocal = 0;
const commandProxy = 1;
const familyUnspecified = 0;
const familyIpv4 = 1;
const familyIpv6 = 2;
const familyUnix = 3;
const transportStream = 1;
const transportDatagram = 2;
const carriageReturn = 13;
const lineFeed = 10;

const lineStart = new TextEncoder().encode("PROXY ");
const incomplete = { kind: "incomplete" } as const;

function invalid(reason: ProxyFault): ProxyDecoded {
  return { kind: "invalid", reason };
}

function withoutEnds(headerBytes: number): ProxyDecoded {
  return {
    kind: "header",
    headerBytes,
    transport: undefined,
    source: undefined,
    destination: undefined,
  };
}

/** An address as 16 bytes; IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2). */
function asIpv6(address: AddressBytes): AddressBytes {
  if (address.length === 16) return address;
  const mapped = new Uint8Array(16);
  mapped[10] = 0xff;
  mapped[11] = 0xff;
  mapped.set(address, 12);
  return mapped;
}

/** Both addresses in one family: a header has room for one family only. */
function sameFamily({ source, destination }: ProxyFlow): readonly [AddressBytes, AddressBytes] {
  if (source.address.length === destination.address.length) {
    return [source.address, destination.address];
  }
  return [asIpv6(source.address), asIpv6(destination.address)];
}

/**
 * Header of version 1. Ends of different families are both written as IPv6.
 *
 * @param flow Undefined, or one that is not TCP: the UNKNOWN form, version 1 has no other word.
 */
export function encodeProxyV1(flow: ProxyFlow | undefined): Uint8Array {
  if (flow === undefined || flow.transport === "udp")
    return new TextEncoder().encode("PROXY UNKNOWN\r\n");
  const [source, destination] = sameFamily(flow);
  const protocol = source.length === 4 ? "TCP4" : "TCP6";
  const addresses = `${formatAddress(source)} ${formatAddress(destination)}`;
  const ports = `${flow.source.port} ${flow.destination.port}`;
  return new TextEncoder().encode(`PROXY ${protocol} ${addresses} ${ports}\r\n`);
}

/**
 * Header of version 2 without TLVs. Ends of different families are both written as IPv6.
 *
 * @param flow Undefined: the LOCAL form, for connections of the director's own.
 */
export function encodeProxyV2(flow: ProxyFlow | undefined): Uint8Array {
  const [source, destination] = flow === undefined ? [] : sameFamily(flow);
  const blockBytes = source === undefined ? 0 : source.length * 2 + 4;
  const bytes = new Uint8Array(fixedBytes + blockBytes);
  bytes.set(signature);
  bytes[12] = (version2 << 4) | (flow === undefined ? commandLocal : commandProxy);
  if (flow === undefined || source === undefined || destination === undefined) return bytes;
  const family = source.length === 4 ? familyIpv4 : familyIpv6;
  bytes[13] = (family << 4) | (flow.transport === "udp" ? transportDatagram : transportStream);
  const view = new DataView(bytes.buffer);
  view.setUint16(14, blockBytes);
  bytes.set(source, fixedBytes);
  bytes.set(destination, fixedBytes + source.length);
  view.setUint16(bytes.length - 4, flow.source.port);
  view.setUint16(bytes.length - 2, flow.destination.port);
  return bytes;
}

/**
 * Looks for a header of either version at the start of `bytes`. Every strict prefix of a valid
 * header is `incomplete`; a wrong first byte is `invalid` at once.
 */
export function decodeProxyHeader(bytes: Uint8Array): ProxyDecoded {
  if (bytes.length === 0) return incomplete;
  if (bytes[0] === lineStart[0]) return decodeVersion1(bytes);
  return decodeVersion2(bytes);
}

/** True if `bytes` is `expected`, or as much of it as has arrived. */
function startsLike(bytes: Uint8Array, expected: Uint8Array): boolean {
  const length = Math.min(bytes.length, expected.length);
  for (let index = 0; index < length; index++) {
    if (bytes[index] !== expected[index]) return false;
  }
  return true;
}

function decodeVersion1(bytes: Uint8Array): ProxyDecoded {
  if (!startsLike(bytes, lineStart)) return invalid("bad-signature");
  const end = bytes.subarray(0, proxyV1BytesMax).indexOf(lineFeed);
  if (end === -1) return bytes.length >= proxyV1BytesMax ? invalid("too-long") : incomplete;
  if (bytes[end - 1] !== carriageReturn) return invalid("bad-line");
  // Every byte becomes one character, so nothing can be mistaken for another one.
  const line = String.fromCharCode(...bytes.subarray(lineStart.length, end - 1));
  const headerBytes = end + 1;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return withoutEnds(headerBytes);
  }
  return decodeLine(line, headerBytes);
}

/** The part between `PROXY ` and CRLF. */
function decodeLine(line: string, headerBytes: number): ProxyDecoded {
  const words = line.split(" ");
  if (words.length !== 5) return invalid("bad-line");
  const [protocol, sourceText, destinationText, sourcePortText, destinationPortText] = words;
  if (protocol !== "TCP4" && protocol !== "TCP6") return invalid("bad-family");
  const parse = protocol === "TCP4" ? parseIpv4 : parseIpv6;
  const source = parse(sourceText!);
  const destination = parse(destinationText!);
  if (source === undefined || destination === undefined) return invalid("bad-address");
  const sourcePort = parsePort(sourcePortText!);
  const destinationPort = parsePort(destinationPortText!);
  if (sourcePort === undefined || destinationPort === undefined) return invalid("bad-port");
  return {
    kind: "header",
    headerBytes,
    transport: "tcp",
    source: { address: source, port: sourcePort },
    destination: { address: destination, port: destinationPort },
  };
}

/** Decimal 0..65535 without leading zeros; undefined if `text` is none. */
function parsePort(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

function decodeVersion2(bytes: Uint8Array): ProxyDecoded {
  const fault = faultOfFixedPart(bytes);
  if (fault !== undefined) return invalid(fault);
  if (bytes.length < fixedBytes) return incomplete;

  const headerBytes = fixedBytes + ((bytes[14]! << 8) | bytes[15]!);
  if (headerBytes > proxyV2BytesMax) return invalid("too-long");
  const isLocal = (bytes[12]! & 0x0f) === commandLocal;
  const addressBytes = isLocal ? 0 : portedAddressBytes(bytes[13]!);
  const blockBytes = addressBytes === 0 ? 0 : addressBytes * 2 + 4;
  if (headerBytes < fixedBytes + blockBytes) return invalid("too-short");
  if (bytes.length < headerBytes) return incomplete;
  if (addressBytes === 0) return withoutEnds(headerBytes);
  const transport = (bytes[13]! & 0x0f) === transportDatagram ? "udp" : "tcp";
  return { kind: "header", headerBytes, transport, ...readEnds(bytes, addressBytes) };
}

/** What is wrong with as much of the first 14 bytes as has arrived; undefined if nothing. */
function faultOfFixedPart(bytes: Uint8Array): ProxyFault | undefined {
  if (!startsLike(bytes, signature)) return "bad-signature";
  if (bytes.length <= 12) return undefined;
  if (bytes[12]! >> 4 !== version2) return "bad-version";
  const command = bytes[12]! & 0x0f;
  // The family of LOCAL is to be ignored, whatever it is.
  if (command === commandLocal) return undefined;
  if (command !== commandProxy) return "bad-command";
  if (bytes.length > 13 && !isFamilyAndTransport(bytes[13]!)) return "bad-family";
  return undefined;
}

function isFamilyAndTransport(byte: number): boolean {
  return byte >> 4 <= familyUnix && (byte & 0x0f) <= transportDatagram;
}

/** Bytes of one address, 0 where the receiver has no use for the addresses. */
function portedAddressBytes(familyAndTransport: number): number {
  const family = familyAndTransport >> 4;
  if ((familyAndTransport & 0x0f) === 0 || family === familyUnspecified) return 0;
  if (family === familyIpv4) return 4;
  return family === familyIpv6 ? 16 : 0;
}

/** Both ends, copied: the caller may use its buffer again. */
function readEnds(
  bytes: Uint8Array,
  addressBytes: number,
): { readonly source: ProxyEndpoint; readonly destination: ProxyEndpoint } {
  const destinationStart = fixedBytes + addressBytes;
  const portStart = destinationStart + addressBytes;
  const portAt = (offset: number): number => (bytes[offset]! << 8) | bytes[offset + 1]!;
  return {
    source: { address: bytes.slice(fixedBytes, destinationStart), port: portAt(portStart) },
    destination: {
      address: bytes.slice(destinationStart, portStart),
      port: portAt(portStart + 2),
    },
  };
}
