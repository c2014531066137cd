/**
 * ARP for IPv4 over Ethernet (RFC 826), without the Ethernet header. Pure.
 *
 * ```text
 * hardware type u16 = 1 | protocol u16 = 0x0800 | lengths 6, 4 | operation u16
 * | sender hardware 6 | sender protocol 4 | target hardware 6 | target protocol 4     28 bytes
 * ```
 *
 * @module
 */

const packetBytes = 28;
const operationRequest = 1;
const operationReply = 2;
const headBytes = [0, 1, 8, 0, 6, 4];

/**
 * A question who has `target`. The sender's protocol address is 0.0.0.0, so that nobody learns an
 * address from it (RFC 5227, section 2.1.1).
 */
export function encodeArpQuestion(senderHardware: Uint8Array, target: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(packetBytes);
  bytes.set([...headBytes, 0, operationRequest]);
  bytes.set(senderHardware, 8);
  bytes.set(target, 24);
  return bytes;
}

/** Who says to have which address; undefined if the packet is no reply. */
export function decodeArpReply(
  bytes: Uint8Array,
): { readonly hardware: Uint8Array; readonly address: Uint8Array } | undefined {
  if (bytes.length < packetBytes) return undefined;
  if (headBytes.some((byte, index) => bytes[index] !== byte)) return undefined;
  if (bytes[6] !== 0 || bytes[7] !== operationReply) return undefined;
  return { hardware: bytes.slice(8, 14), address: bytes.slice(14, 18) };
}
