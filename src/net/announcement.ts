/**
 * Frames by which a node claims an address: gratuitous ARP (RFC 826, RFC 5227 section 3) and the
 * unsolicited neighbour advertisement (RFC 4861, section 7.2.6); and those that ask who has it
 * without claiming it (RFC 5227, section 2.1.1; RFC 4862, section 5.4.2). Pure.
 *
 * ```text
 * ARP   0 dst ff:ff:ff:ff:ff:ff | 6 src | 12 0806 | 14 0001 0800 6 4 | 20 operation
 *       | 22 sender MAC | 28 VIP | 32 target MAC | 38 VIP                             42 bytes
 * NA    0 dst 33:33:0:0:0:1 | 6 src | 12 86dd | 14 IPv6 header, hop limit 255, VIP → ff02::1
 *       | 54 136 0 checksum | 58 flags | 62 VIP | 78 option 2: MAC                    86 bytes
 * NS    as NA, but :: → ff02::1:ffXX:XXXX | 54 135 0 checksum | 58 0 | 62 VIP          78 bytes
 * ```
 *
 * @module
 */

import type { AddressBytes } from "./address.ts";
import { internetChecksum } from "./checksum.ts";

/** A hardware address of Ethernet, 6 bytes. */
export type MacBytes = Uint8Array;

const ethernetBytes = 14;
const ipv6HeaderBytes = 40;
const arpRequest = 1;
const arpReply = 2;
const icmpv6 = 58;
const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;
/** Flags of an advertisement: override what neighbours know. Not solicited, not a router. */
const overrideFlag = 0x20;
const routerFlag = 0x80;
const targetLinkLayerOption = 2;
const hopLimit = 255;
/** All nodes, ff02::1, and its Ethernet address. */
const allNodes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const allNodesMac = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
/** Group of the nodes with an address that ends alike, ff02::1:ff00:0, and its Ethernet address. */
const solicitedNode = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
const solicitedNodeMac = Uint8Array.of(0x33, 0x33, 0xff, 0, 0, 0);

/**
 * A gratuitous ARP frame that says "`address` is at `mac`".
 *
 * @param form Hosts differ in which one they heed, so both are sent.
 */
export function encodeGratuitousArp(
  mac: MacBytes,
  address: AddressBytes,
  form: "request" | "reply",
): Uint8Array {
  const frame = arpFrame(mac, form === "request" ? arpRequest : arpReply);
  frame.set(address, 28);
  // RFC 5227: the target of a reply is broadcast, that of a request is not looked at.
  if (form === "reply") frame.fill(0xff, 32, 38);
  frame.set(address, 38);
  return frame;
}

/**
 * An ARP frame that asks who has `address`. It claims nothing: its sender's address is 0.0.0.0, so
 * no neighbour learns from it.
 */
export function encodeArpCheck(mac: MacBytes, address: AddressBytes): Uint8Array {
  const frame = arpFrame(mac, arpRequest);
  frame.set(address, 38);
  return frame;
}

/** Broadcast of IPv4 over Ethernet, with the sender's MAC. */
function arpFrame(mac: MacBytes, operation: number): Uint8Array {
  const frame = new Uint8Array(42);
  const view = new DataView(frame.buffer);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  view.setUint16(12, 0x0806);
  view.setUint16(14, 1);
  view.setUint16(16, 0x0800);
  frame[18] = 6;
  frame[19] = 4;
  view.setUint16(20, operation);
  frame.set(mac, 22);
  return frame;
}

/**
 * An unsolicited neighbour advertisement frame that says "`address` is at `mac`" to all nodes.
 *
 * @param isRouter This node forwards packets of others: without the flag hosts would drop it from
 *   their list of routers.
 */
export function encodeNeighbourAdvertisement(
  mac: MacBytes,
  address: AddressBytes,
  isRouter: boolean,
): Uint8Array {
  const frame = new Uint8Array(86);
  frame.set(allNodesMac, 0);
  frame.set(mac, 6);
  frame.set(address, ethernetBytes + 8);
  frame.set(allNodes, ethernetBytes + 24);
  const message = ethernetBytes + ipv6HeaderBytes;
  frame[message] = neighbourAdvertisement;
  frame[message + 4] = overrideFlag | (isRouter ? routerFlag : 0);
  frame.set(address, message + 8);
  frame[message + 24] = targetLinkLayerOption;
  frame[message + 25] = 1;
  frame.set(mac, message + 26);
  completeIcmp(frame);
  return frame;
}

/**
 * A neighbour solicitation frame that asks who has `address`, as duplicate address detection does:
 * from the unspecified address, to those that share its last three bytes.
 */
export function encodeNeighbourCheck(mac: MacBytes, address: AddressBytes): Uint8Array {
  const frame = new Uint8Array(78);
  frame.set(solicitedNodeMac, 0);
  frame.set(address.subarray(13), 3);
  frame.set(mac, 6);
  frame.set(solicitedNode, ethernetBytes + 24);
  frame.set(address.subarray(13), ethernetBytes + 37);
  const message = ethernetBytes + ipv6HeaderBytes;
  frame[message] = neighbourSolicitation;
  frame.set(address, message + 8);
  completeIcmp(frame);
  return frame;
}

/** Fills in what all frames of ICMPv6 have: types, lengths, hop limit, checksum. */
function completeIcmp(frame: Uint8Array): void {
  const view = new DataView(frame.buffer);
  const header = ethernetBytes;
  const message = header + ipv6HeaderBytes;
  const messageBytes = frame.length - message;
  view.setUint16(12, 0x86dd);
  frame[header] = 0x60;
  view.setUint16(header + 4, messageBytes);
  frame[header + 6] = icmpv6;
  frame[header + 7] = hopLimit;
  view.setUint16(message + 2, checksumOf(frame.subarray(header), messageBytes));
}

/** Checksum of ICMPv6 with its pseudo-header: addresses, length, next header (RFC 8200, 8.1). */
function checksumOf(packet: Uint8Array, messageBytes: number): number {
  const addresses = packet.subarray(8, ipv6HeaderBytes);
  let seed = messageBytes + icmpv6;
  for (let offset = 0; offset < addresses.length; offset += 2) {
    seed += (addresses[offset]! << 8) | addresses[offset + 1]!;
  }
  return internetChecksum(packet.subarray(ipv6HeaderBytes), seed);
}

/** A claim of an address that was heard. */
export interface HeardClaim {
  readonly address: AddressBytes;
  readonly mac: MacBytes;
}

/**
 * What an ARP packet claims: that its sender's address is at its sender's MAC.
 *
 * @param packet Without the Ethernet header.
 * @returns Undefined for what is no ARP of IPv4 over Ethernet, or a check with sender 0.0.0.0.
 */
export function decodeArpClaim(packet: Uint8Array): HeardClaim | undefined {
  if (packet.length < 28) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  if (view.getUint16(0) !== 1 || view.getUint16(2) !== 0x0800) return undefined;
  if (packet[4] !== 6 || packet[5] !== 4 || view.getUint32(14) === 0) return undefined;
  return { address: packet.slice(14, 18), mac: packet.slice(8, 14) };
}

/**
 * What a neighbour advertisement claims.
 *
 * @param packet From the IPv6 header on.
 * @returns Undefined for anything else, also for one that was forwarded (hop limit below 255).
 */
export function decodeNeighbourClaim(packet: Uint8Array): HeardClaim | undefined {
  if (packet.length < ipv6HeaderBytes || packet[6] !== icmpv6 || packet[7] !== hopLimit) {
    return undefined;
  }
  return decodeNeighbourMessage(packet.subarray(ipv6HeaderBytes));
}

/**
 * The same from the ICMPv6 header on. That its hop limit is 255 is for the caller to see to.
 *
 * @returns `mac` is zero if the message does not say it. Undefined for another message.
 */
export function decodeNeighbourMessage(message: Uint8Array): HeardClaim | undefined {
  if (message.length < 24 || message[0] !== neighbourAdvertisement) return undefined;
  const address = message.slice(8, 24);
  const hasMac = message.length >= 32 && message[24] === targetLinkLayerOption;
  return { address, mac: hasMac ? message.slice(26, 32) : new Uint8Array(6) };
}
