/**
 * Packets as bytes, behind an Ethernet header, with right checksums; and whether they still are.
 *
 * @module
 */
import { parseAddress } from "../../src/net/address.ts";
import { internetChecksum } from "../../src/net/checksum.ts";

/** Length of an Ethernet header. */
export const etherBytes = 14;
const tcpChecksumAt = 16;
const udpChecksumAt = 6;

/** What a test wants of a packet; the rest is ordinary. */
export interface PacketWish {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly protocol?: "tcp" | "udp";
  /** TCP flags. @default SYN */
  readonly flags?: number;
  readonly ttl?: number;
  /** Bytes of IP options, a multiple of four. */
  readonly optionBytes?: number;
  readonly payloadBytes?: number;
  readonly id?: number;
  /** In eights of bytes, with 0x2000 for "more". */
  readonly fragment?: number;
  /** UDP without a checksum. */
  readonly hasNoChecksum?: boolean;
}

function pseudoSum(from: Uint8Array, to: Uint8Array, protocol: number, length: number): number {
  let sum = protocol + length;
  for (const address of [from, to]) {
    for (let at = 0; at < address.length; at += 2) sum += (address[at]! << 8) | address[at + 1]!;
  }
  return sum;
}

/** A packet of IPv4 or IPv6, by its addresses. */
export function ipPacket(wish: PacketWish): Uint8Array<ArrayBuffer> {
  const [from, to] = [parseAddress(wish.from)!, parseAddress(wish.to)!];
  const isSix = from.length === 16;
  const isUdp = wish.protocol === "udp";
  const headBytes = isSix ? 40 : 20 + (wish.optionBytes ?? 0);
  const transportBytes = (isUdp ? 8 : 20) + (wish.payloadBytes ?? 0);
  const bytes = new Uint8Array(etherBytes + headBytes + transportBytes);
  const view = new DataView(bytes.buffer);
  const ip = etherBytes;
  const transport = ip + headBytes;
  view.setUint16(12, isSix ? 0x86dd : 0x0800);
  if (isSix) {
    bytes[ip] = 0x60;
    view.setUint16(ip + 4, transportBytes);
    bytes[ip + 6] = isUdp ? 17 : 6;
    bytes[ip + 7] = wish.ttl ?? 64;
    bytes.set(from, ip + 8);
    bytes.set(to, ip + 24);
  } else {
    bytes[ip] = 0x40 | (headBytes / 4);
    view.setUint16(ip + 2, headBytes + transportBytes);
    view.setUint16(ip + 4, wish.id ?? 1);
    view.setUint16(ip + 6, wish.fragment ?? 0);
    bytes[ip + 8] = wish.ttl ?? 64;
    bytes[ip + 9] = isUdp ? 17 : 6;
    bytes.set(from, ip + 12);
    bytes.set(to, ip + 16);
    bytes.fill(1, ip + 20, transport);
    view.setUint16(ip + 10, internetChecksum(bytes.subarray(ip, transport)));
  }
  view.setUint16(transport, wish.fromPort);
  view.setUint16(transport + 2, wish.toPort);
  if (isUdp) view.setUint16(transport + 4, transportBytes);
  else bytes.set([0x50, wish.flags ?? 2, 0xff, 0xff], transport + 12);
  if (wish.hasNoChecksum === true) return bytes;
  const seed = pseudoSum(from, to, isUdp ? 17 : 6, transportBytes);
  const checksum = internetChecksum(bytes.subarray(transport), seed);
  view.setUint16(transport + (isUdp ? udpChecksumAt : tcpChecksumAt), checksum);
  return bytes;
}

/** An ICMP error of IPv4 that quotes the beginning of a packet. */
export function icmpError(from: string, to: string, quoted: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(etherBytes + 20 + 8 + 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, 0x0800);
  bytes.set([0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1], etherBytes);
  bytes.set(parseAddress(from)!, etherBytes + 12);
  bytes.set(parseAddress(to)!, etherBytes + 16);
  view.setUint16(etherBytes + 10, internetChecksum(bytes.subarray(etherBytes, etherBytes + 20)));
  // Fragmentation needed, at most 1000 bytes.
  bytes.set([3, 4, 0, 0, 0, 0, 3, 0xe8], etherBytes + 20);
  bytes.set(quoted.subarray(etherBytes, etherBytes + 28), etherBytes + 28);
  view.setUint16(etherBytes + 22, internetChecksum(bytes.subarray(etherBytes + 20)));
  return bytes;
}

/** What is wrong with the checksums of a packet of IPv4 without fragments; empty: nothing. */
export function checksumFaults(bytes: Uint8Array): string[] {
  const headBytes = (bytes[etherBytes]! & 15) * 4;
  const transport = etherBytes + headBytes;
  const faults: string[] = [];
  if (internetChecksum(bytes.subarray(etherBytes, transport)) !== 0) faults.push("ip");
  const protocol = bytes[etherBytes + 9]!;
  const body = bytes.subarray(transport);
  if (protocol === 1) return internetChecksum(body) === 0 ? faults : [...faults, "icmp"];
  const addresses = [12, 16].map((at) => bytes.subarray(etherBytes + at, etherBytes + at + 4));
  const seed = pseudoSum(addresses[0]!, addresses[1]!, protocol, body.length);
  if (internetChecksum(body, seed) !== 0) faults.push("transport");
  return faults;
}

/** Addresses, ports and TTL of a packet, as text: `10.0.0.1:1000 > 192.0.2.1:80 ttl 64`. */
export function describePacket(bytes: Uint8Array): string {
  const isSix = bytes[12] === 0x86;
  const ip = etherBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = isSix ? ip + 40 : ip + (bytes[ip]! & 15) * 4;
  const [from, to] = isSix ? [ip + 8, ip + 24] : [ip + 12, ip + 16];
  const address = (offset: number): string => {
    const part = bytes.subarray(offset, offset + (isSix ? 16 : 4));
    return isSix ? part.toHex() : part.join(".");
  };
  const ttl = bytes[ip + (isSix ? 7 : 8)];
  const [fromPort, toPort] = [view.getUint16(at), view.getUint16(at + 2)];
  return `${address(from)}:${fromPort} > ${address(to)}:${toPort} ttl ${ttl}`;
}
