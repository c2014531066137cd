/**
 * Questions of a client that wants to know who answers for an address, as Ethernet frames: each
 * goes to one director by its MAC, whatever the client's own neighbour table says. IPv4. Pure.
 *
 * ```text
 * ARP   0 dst | 6 src | 12 0806 | 14 0001 0800 6 4 | 20 operation | 22 sender MAC | 28 sender
 *       | 32 target MAC | 38 target                                                  42 bytes
 * echo  0 dst | 6 src | 12 0800 | 14 IPv4 header, protocol 1, src → dst | 34 ICMP message
 * ```
 *
 * @module
 */
import { internetChecksum } from "../../../src/net/checksum.ts";
import { encodeEcho } from "../../../src/net/icmp.ts";

/** Who asks, and for which address. */
export interface QuestionPlace {
  readonly clientMac: Uint8Array;
  readonly client: Uint8Array;
  readonly virtual: Uint8Array;
}

const headerBytes = 34;

/** RFC 826, to one node only. */
export function encodeArpQuestion(
  { clientMac, client, virtual }: QuestionPlace,
  mac: Uint8Array,
): Uint8Array {
  const frame = new Uint8Array(42);
  frame.set(mac, 0);
  frame.set(clientMac, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1], 12);
  frame.set(clientMac, 22);
  frame.set(client, 28);
  frame.set(virtual, 38);
  return frame;
}

/** Echo request to the address at a MAC. */
export function encodeEchoQuestion(
  { clientMac, client, virtual }: QuestionPlace,
  mac: Uint8Array,
  { identifier, sequence }: { readonly identifier: number; readonly sequence: number },
): Uint8Array {
  const data = new Uint8Array(8);
  const message = encodeEcho(4, { kind: "request", identifier, sequence, data });
  const frame = new Uint8Array(headerBytes + message.length);
  const view = new DataView(frame.buffer);
  frame.set(mac, 0);
  frame.set(clientMac, 6);
  frame.set([0x08, 0x00, 0x45, 0], 12);
  view.setUint16(16, 20 + message.length);
  frame.set([64, 1], 22);
  frame.set(client, 26);
  frame.set(virtual, 30);
  view.setUint16(24, internetChecksum(frame.subarray(14, headerBytes)));
  frame.set(message, headerBytes);
  return frame;
}

/** What a received frame says about the address. */
export type Answer =
  | { readonly type: "arp"; readonly mac: string; readonly isGratuitous: boolean }
  | {
      readonly type: "echo";
      readonly mac: string;
      readonly identifier: number;
      readonly sequence: number;
    };

const arpType = 0x0806;
const ipv4Type = 0x0800;

function isAt(bytes: Uint8Array, offset: number, part: Uint8Array): boolean {
  return part.every((byte, index) => bytes[offset + index] === byte);
}

/** Reads an answer for the address; undefined if the frame is something else. */
export function decodeAnswer(frame: Uint8Array, virtual: Uint8Array): Answer | undefined {
  if (frame.length < 42) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const mac = frame.subarray(6, 12).toHex();
  const etherType = view.getUint16(12);
  if (etherType === arpType && isAt(frame, 28, virtual)) {
    return { type: "arp", mac, isGratuitous: isAt(frame, 38, virtual) };
  }
  const isEchoReply = etherType === ipv4Type && frame[23] === 1 && frame[headerBytes] === 0;
  if (!isEchoReply || !isAt(frame, 26, virtual)) return undefined;
  return { type: "echo", mac, identifier: view.getUint16(38), sequence: view.getUint16(40) };
}
