/**
 * Network interfaces in rtnetlink (linux/if_link.h), as `ip link` shows them. Pure.
 *
 * ```text
 * struct ifinfomsg: family 1 | pad 1 | hardware type 2 | index 4 | flags 4 | mask of changes 4
 * ```
 *
 * @module
 */

import {
  AF_UNSPEC,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_NOARP,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_CARRIER,
  IFLA_IFNAME,
  IFLA_INFO_KIND,
  IFLA_INFO_SLAVE_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_OPERSTATE,
  RTM_DELLINK,
  RTM_NEWLINK,
} from "../../../ffi/constants/rtnetlink.ts";
import { AttributeReader } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";

/** Length of `struct ifinfomsg`. */
export const linkHeadBytes = 16;

/** States of RFC 2863, in the order of the kernel's IF_OPER_ numbers. */
const operationalStates = [
  "unknown",
  "not-present",
  "down",
  "lower-layer-down",
  "testing",
  "dormant",
  "up",
] as const;

/** Operational state of an interface (RFC 2863); many virtual ones stay `unknown`. */
export type OperationalState = (typeof operationalStates)[number];

/** A network interface. */
export interface Link {
  /** Number, unique in its namespace while it exists. */
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, `vlan`, …; undefined for physical ones and the loopback. */
  readonly kind: string | undefined;
  /** ARPHRD_ number: 1 Ethernet, 772 loopback, 768 ipip. */
  readonly hardwareType: number;
  /** IFF_ bits. */
  readonly flags: number;
  /** Set up by the administrator (IFF_UP). */
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** Does not resolve addresses (IFF_NOARP). */
  readonly isWithoutArp: boolean;
  /** Has a carrier: a cable, a peer that is up. Only known while the interface is up. */
  readonly hasCarrier: boolean;
  readonly operationalState: OperationalState;
  /** Hardware address in lower case, `02:00:00:00:00:01`; empty if it has none. */
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  /** Bridge, bond or VRF that it is a port of: such a port has no IP layer of its own. */
  readonly masterIndex: number | undefined;
  /** `bridge`, `bond`, …: kind of that port. */
  readonly portKind: string | undefined;
  /** Interface below (VLAN, macvlan) or peer (veth); the number may belong to another namespace. */
  readonly lowerIndex: number | undefined;
}

/** `02:00:00:00:00:01`. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `struct ifinfomsg`; `change` says which of `flags` are meant. */
export function encodeLinkHead(index = 0, flags = 0, change = 0): Uint8Array {
  const head = new Uint8Array(linkHeadBytes);
  const view = new DataView(head.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return head;
}

function readLink(payload: Uint8Array): Decoded<Link> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const attributes = new AttributeReader(payload.subarray(linkHeadBytes));
  const flags = view.getUint32(8, true);
  const name = attributes.text(IFLA_IFNAME);
  const info = attributes.nested(IFLA_LINKINFO);
  const carrier = attributes.u8(IFLA_CARRIER);
  const link: Omit<Link, "name"> = {
    index: view.getInt32(4, true),
    kind: info?.text(IFLA_INFO_KIND),
    hardwareType: view.getUint16(2, true),
    flags,
    isUp: (flags & IFF_UP) !== 0,
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    isWithoutArp: (flags & IFF_NOARP) !== 0,
    hasCarrier: carrier === undefined ? (flags & IFF_LOWER_UP) !== 0 : carrier === 1,
    operationalState: operationalStates[attributes.u8(IFLA_OPERSTATE) ?? 0] ?? "unknown",
    mac: formatMac(attributes.bytes(IFLA_ADDRESS) ?? new Uint8Array(0)),
    mtu: attributes.u32(IFLA_MTU) ?? 0,
    masterIndex: attributes.u32(IFLA_MASTER),
    portKind: info?.text(IFLA_INFO_SLAVE_KIND),
    lowerIndex: attributes.u32(IFLA_LINK) || undefined,
  };
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  if (name === undefined) return faulty("missing");
  return decoded({ ...link, name });
}

/**
 * Reads RTM_NEWLINK and RTM_DELLINK. Undefined for what is no interface: the kernel tells of ports
 * of a bridge by the same types with family AF_BRIDGE, and such a RTM_DELLINK means that the port
 * left the bridge, not that the interface is gone. Never throws.
 */
export function decodeLink(message: NetlinkMessage): Decoded<Link | undefined> {
  const { type, payload } = message;
  if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return decoded(undefined);
  if (payload.length < linkHeadBytes) return faulty("truncated");
  return payload[0] === AF_UNSPEC ? readLink(payload) : decoded(undefined);
}
