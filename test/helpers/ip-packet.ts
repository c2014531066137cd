/**
 * Packets as bytes, behind an Ethernet header, with right checksums.
 *
 * @module
 */
import { formatAddress, parseAddress } from "../../src/net/address.ts";
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
  /** In eights of bytes, with 0x2000 for "more" and 0x4000 for "do not fragment". */
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
  const isPart = isSix && wish.fragment !== undefined;
  const headBytes = isSix ? (isPart ? 48 : 40) : 20 + (wish.optionBytes ?? 0);
  const transportBytes = (isUdp ? 8 : 20) + (wish.payloadBytes ?? 0);
  const bytes = new Uint8Array(etherBytes + headBytes + transportBytes);
  const view = new DataView(bytes.buffer);
  const ip = etherBytes;
  const transport = ip + headBytes;
  view.setUint16(12, isSix ? 0x86dd : 0x0800);
  if (isSix) {
    bytes[ip] = 0x60;
    view.setUint16(ip + 4, headBytes - 40 + transportBytes);
    bytes[ip + 6] = isPart ? 44 : isUdp ? 17 : 6;
    bytes[ip + 7] = wish.ttl ?? 64;
    bytes.set(from, ip + 8);
    bytes.set(to, ip + 24);
    if (isPart) {
      bytes[ip + 40] = isUdp ? 17 : 6;
      // Here the flag is the lowest bit, below the offset.
      view.setUint16(ip + 42, ((wish.fragment & 0x1fff) << 3) | ((wish.fragment >> 13) & 1));
      view.setUint32(ip + 44, wish.id ?? 1);
    }
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
  bytes.fill(7, transport + (isUdp ? 8 : 20));
  if (isUdp) view.setUint16(transport + 4, transportBytes);
  else bytes.set([0x50, wish.flags ?? 2, 0xff, 0xff], transport + 12);
  if (wish.hasNoChecksum === true) return bytes;
  const seed = pseudoSum(from, to, isUdp ? 17 : 6, transportBytes);
  const checksum = internetChecksum(bytes.subarray(transport), seed);
  view.setUint16(transport + (isUdp ? udpChecksumAt : tcpChecksumAt), checksum);
  return bytes;
}

/** Fragmentation needed, at most 1000 bytes. */
const tooBig = { 4: [3, 4, 0, 0, 0, 0, 3, 0xe8], 6: [2, 0, 0, 0, 0, 0, 3, 0xe8] } as const;

/** An ICMP error that says "1000 bytes at most" and quotes the beginning of a packet. */
export function icmpError(from: string, to: string, quoted: Uint8Array): Uint8Array<ArrayBuffer> {
  const [source, destination] = [parseAddress(from)!, parseAddress(to)!];
  const isSix = source.length === 16;
  const headBytes = isSix ? 40 : 20;
  // Routers quote more than they have to; tunnels need that.
  const quotedBytes = Math.min(quoted.length - etherBytes, 88);
  const bytes = new Uint8Array(etherBytes + headBytes + 8 + quotedBytes);
  const view = new DataView(bytes.buffer);
  const icmp = etherBytes + headBytes;
  view.setUint16(12, isSix ? 0x86dd : 0x0800);
  if (isSix) {
    bytes.set([0x60, 0, 0, 0, 0, 8 + quotedBytes, 58, 64], etherBytes);
    bytes.set([...source, ...destination], etherBytes + 8);
  } else {
    bytes.set([0x45, 0, 0, 28 + quotedBytes, 0, 1, 0, 0, 64, 1], etherBytes);
    bytes.set([...source, ...destination], etherBytes + 12);
    view.setUint16(etherBytes + 10, internetChecksum(bytes.subarray(etherBytes, icmp)));
  }
  bytes.set(tooBig[isSix ? 6 : 4], icmp);
  bytes.set(quoted.subarray(etherBytes, etherBytes + quotedBytes), icmp + 8);
  const seed = isSix ? pseudoSum(source, destination, 58, 8 + quotedBytes) : 0;
  view.setUint16(icmp + 2, internetChecksum(bytes.subarray(icmp), seed));
  return bytes;
}

/** Addresses, ports and TTL of a packet, as text: `10.0.0.1:1000 > 192.0.2.1:80 ttl 64`. */
export function describePacket(bytes: Uint8Array): string {
  const isSix = bytes[etherBytes]! >> 4 === 6;
  const ip = etherBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = isSix ? ip + (bytes[ip + 6] === 44 ? 48 : 40) : ip + (bytes[ip]! & 15) * 4;
  const [from, to] = isSix ? [ip + 8, ip + 24] : [ip + 12, ip + 16];
  const address = (offset: number): string => {
    const part = bytes.subarray(offset, offset + (isSix ? 16 : 4));
    return formatAddress(part);
  };
  const ttl = bytes[ip + (isSix ? 7 : 8)];
  const [fromPort, toPort] = [view.getUint16(at), view.getUint16(at + 2)];
  return `${address(from)}:${fromPort} > ${address(to)}:${toPort} ttl ${ttl}`;
}
