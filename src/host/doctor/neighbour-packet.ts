/**
 * Neighbour solicitation and advertisement (RFC 4861, sections 4.3, 4.4) from the ICMPv6 header on.
 * Pure.
 *
 * ```text
 * solicitation   type 135 | code 0 | checksum 2 | reserved 4 | target 16
 *                | option 1, length 1 (8 bytes): source hardware address 6           32 bytes
 * advertisement  type 136 | code 0 | checksum 2 | flags 4 | target 16
 *                | options, of which type 2 is the target's hardware address
 * ```
 *
 * @module
 */

const headBytes = 24;
const targetOffset = 8;
const typeSolicitation = 135;
const typeAdvertisement = 136;
const optionSource = 1;
const optionTarget = 2;
/** Lengths of options count in units of 8 bytes. */
const optionUnitBytes = 8;

/** A question who has `target`; the kernel fills the checksum in. */
export function encodeSolicitation(senderHardware: Uint8Array, target: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headBytes + optionUnitBytes);
  bytes[0] = typeSolicitation;
  bytes.set(target, targetOffset);
  bytes.set([optionSource, 1], headBytes);
  bytes.set(senderHardware, headBytes + 2);
  return bytes;
}

/** The group at which the holder of `target` listens (RFC 4291, section 2.7.1). */
export function solicitedNodeGroup(target: Uint8Array): Uint8Array {
  const group = new Uint8Array(16);
  group.set([0xff, 0x02]);
  group.set([0x01, 0xff], 11);
  group.set(target.subarray(13), 13);
  return group;
}

/** Who says to have which address; undefined if it does not say so, or not where. */
export function decodeAdvertisement(
  bytes: Uint8Array,
): { readonly hardware: Uint8Array; readonly address: Uint8Array } | undefined {
  if (bytes.length < headBytes || bytes[0] !== typeAdvertisement || bytes[1] !== 0) {
    return undefined;
  }
  const address = bytes.slice(targetOffset, headBytes);
  for (let offset = headBytes; offset + optionUnitBytes <= bytes.length;) {
    const [type, units] = [bytes[offset]!, bytes[offset + 1]!];
    if (type === optionTarget && units === 1) {
      return { address, hardware: bytes.slice(offset + 2, offset + optionUnitBytes) };
    }
    // RFC 4861, section 4.6: a packet with an option of length 0 is dropped.
    if (units === 0) return undefined;
    offset += units * optionUnitBytes;
  }
  return undefined;
}
