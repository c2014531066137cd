/**
 * Neighbours in rtnetlink (linux/neighbour.h), as `ip neighbour` shows them. Pure.
 *
 * ```text
 * struct ndmsg: family 1 | pad 3 | interface 4 | state 2 | flags 1 | type 1
 * ```
 *
 * @module
 */

import { NDA_DST, NDA_LLADDR, RTM_NEWNEIGH } from "../../../ffi/constants/rtnetlink.ts";
import { AF_INET, AF_INET6 } from "../../../ffi/constants/socket.ts";
import { formatAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { formatMac } from "./link.ts";

const headBytes = 12;

/** States by their bit (NUD_): what the kernel knows of a neighbour. */
const stateByBit = {
  0x00: "none",
  0x01: "incomplete",
  0x02: "reachable",
  0x04: "stale",
  0x08: "delay",
  // The kernel asks it again before it gives it up (NUD_PROBE, in the words of the kernel).
  0x10: "asking",
  0x20: "failed",
  0x40: "noarp",
  0x80: "permanent",
} as const;

/** What the kernel knows of a neighbour. */
export type NeighbourState = (typeof stateByBit)[keyof typeof stateByBit];

/** A node on the link. */
export interface Neighbour {
  readonly index: number;
  readonly family: Family;
  readonly address: string;
  /** Empty while it is not known. */
  readonly mac: string;
  readonly state: NeighbourState;
}

/** Payload of RTM_GETNEIGH for the list of all. */
export function encodeGetNeighbours(): Uint8Array {
  return new Uint8Array(headBytes);
}

function readNeighbour(payload: Uint8Array, family: Family): Decoded<Neighbour> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = new AttributeReader(payload.subarray(headBytes));
  const address = attributes.exactly(NDA_DST, family === 4 ? 4 : 16);
  const mac = attributes.bytes(NDA_LLADDR);
  const states: Readonly<Record<number, NeighbourState>> = stateByBit;
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (address === undefined) return faulty("missing");
  return decoded({
    index: view.getInt32(4, true),
    family,
    address: formatAddress(address),
    mac: mac === undefined ? "" : formatMac(mac),
    state: states[view.getUint16(8, true)] ?? "none",
  });
}

/** Reads RTM_NEWNEIGH of IPv4 and IPv6; undefined for others (bridges). Never throws. */
export function decodeNeighbour(message: NetlinkMessage): Decoded<Neighbour | undefined> {
  const { type, payload } = message;
  if (type !== RTM_NEWNEIGH) return decoded(undefined);
  if (payload.length < headBytes) return faulty("truncated");
  if (payload[0] === AF_INET) return readNeighbour(payload, 4);
  if (payload[0] === AF_INET6) return readNeighbour(payload, 6);
  return decoded(undefined);
}
