/**
 * Routes in rtnetlink (linux/rtnetlink.h), as `ip route` shows them. Pure.
 *
 * ```text
 * struct rtmsg:     family 1 | dst bits 1 | src bits 1 | tos 1 | table 1 | protocol 1 | scope 1
 *                   type 1 | flags 4
 * struct rtnexthop: length 2 | flags 1 | weight - 1  1 | interface 4 | attributes
 * ```
 *
 * @module
 */

import {
  RTA_DST,
  RTA_GATEWAY,
  RTA_MARK,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_SRC,
  RTA_TABLE,
  RTA_VIA,
  RTAX_MTU,
  RTM_F_LOOKUP_TABLE,
  RTM_NEWROUTE,
} from "../../../ffi/constants/rtnetlink.ts";
import { AF_INET, AF_INET6 } from "../../../ffi/constants/socket.ts";
import { familyOf, formatAddress } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { align4, attribute, AttributeReader, concatenate, encodeAttributes } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import { decoded, faulty } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { addressBytes, kernelFamily, scopeOf } from "./address.ts";
import type { Scope } from "./address.ts";

const headBytes = 12;
const hopHeadBytes = 8;

/** Kinds of routes, in the order of the kernel's RTN_ numbers. */
const routeTypes = [
  "unspecified",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
  "nat",
] as const;

/** What happens to packets of a route. */
export type RouteType = (typeof routeTypes)[number] | "other";

/** One way of a route. */
export interface RouteHop {
  /** Next hop; undefined: the destination is on the link. */
  readonly gateway: string | undefined;
  readonly outIndex: number | undefined;
  /** Share among the hops of one route, 1..256. */
  readonly weight: number;
}

/** A route. */
export interface Route {
  readonly family: Family;
  /** Canonical text; `0.0.0.0` or `::` for the default route. */
  readonly destination: string;
  readonly prefixBits: number;
  readonly type: RouteType;
  readonly scope: Scope;
  /** 254 main, 255 local. */
  readonly table: number;
  /** RTPROT_ number: 2 kernel, 3 boot, 4 static, 16 dhcp, … */
  readonly protocol: number;
  /** Of several routes to one destination the lowest counts. */
  readonly metric: number;
  /** Address that new connections take (`src`); undefined: the kernel chooses. */
  readonly source: string | undefined;
  /** Bytes, if the route has an MTU of its own. */
  readonly mtu: number | undefined;
  /** At least one for unicast routes that name a hop; empty for blackholes and the like. */
  readonly hops: readonly RouteHop[];
}

/** Where {@link encodeGetRoute} asks the way to. */
export interface RouteQuestion {
  /** Canonical text. */
  readonly to: string;
  /** Address the packet would carry. */
  readonly from?: string;
  readonly outIndex?: number;
  /** Firewall mark. */
  readonly mark?: number;
}

/** Payload of RTM_GETROUTE for one destination. */
export function encodeGetRoute({ to, from, outIndex, mark }: RouteQuestion): Uint8Array {
  const family = familyOf(to);
  const bits = family === 4 ? 32 : 128;
  const head = new Uint8Array(headBytes);
  head[0] = kernelFamily(family);
  head[1] = bits;
  head[2] = from === undefined ? 0 : bits;
  // Says which table answered; IPv6 always does, and refuses the flag.
  if (family === 4) new DataView(head.buffer).setUint32(8, RTM_F_LOOKUP_TABLE, true);
  const attributes: Attribute[] = [attribute.bytes(RTA_DST, addressBytes(to))];
  if (from !== undefined) attributes.push(attribute.bytes(RTA_SRC, addressBytes(from)));
  if (outIndex !== undefined) attributes.push(attribute.u32(RTA_OIF, outIndex));
  if (mark !== undefined) attributes.push(attribute.u32(RTA_MARK, mark));
  return concatenate(head, encodeAttributes(attributes));
}

/** Payload of RTM_GETROUTE for a list: of one family, where the kernel can of one table. */
export function encodeGetRoutes(family: Family, table: number): Uint8Array {
  const head = new Uint8Array(headBytes);
  head[0] = kernelFamily(family);
  return concatenate(head, encodeAttributes([attribute.u32(RTA_TABLE, table)]));
}

/** Text of an address in an attribute of IPv4 or IPv6 length; undefined for any other. */
function addressText(data: Uint8Array | undefined): string | undefined {
  const isAddress = data?.length === 4 || data?.length === 16;
  return isAddress ? formatAddress(data) : undefined;
}

function gatewayOf(attributes: AttributeReader): string | undefined {
  // RTA_VIA: a next hop of the other family, behind two bytes of it.
  const via = attributes.bytes(RTA_VIA, 2)?.subarray(2);
  return addressText(attributes.bytes(RTA_GATEWAY)) ?? addressText(via);
}

/** Hops of RTA_MULTIPATH; undefined if they are malformed. */
function readHops(data: Uint8Array): RouteHop[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const hops: RouteHop[] = [];
  let offset = 0;
  while (offset + hopHeadBytes <= data.length) {
    const length = view.getUint16(offset, true);
    if (length < hopHeadBytes || offset + length > data.length) return undefined;
    const attributes = new AttributeReader(data.subarray(offset + hopHeadBytes, offset + length));
    if (attributes.fault !== undefined) return undefined;
    hops.push({
      gateway: gatewayOf(attributes),
      outIndex: view.getInt32(offset + 4, true),
      weight: view.getUint8(offset + 3) + 1,
    });
    offset += align4(length);
  }
  return hops;
}

function hopsOf(attributes: AttributeReader): RouteHop[] | undefined {
  const multipath = attributes.bytes(RTA_MULTIPATH);
  if (multipath !== undefined) return readHops(multipath);
  const outIndex = attributes.u32(RTA_OIF);
  const gateway = gatewayOf(attributes);
  return outIndex === undefined && gateway === undefined ? [] : [{ gateway, outIndex, weight: 1 }];
}

function readRoute(payload: Uint8Array, family: Family): Decoded<Route> {
  const attributes = new AttributeReader(payload.subarray(headBytes));
  const destination = attributes.exactly(RTA_DST, family === 4 ? 4 : 16);
  const hops = hopsOf(attributes);
  const route: Omit<Route, "hops"> = {
    family,
    destination: addressText(destination) ?? (family === 4 ? "0.0.0.0" : "::"),
    prefixBits: payload[1]!,
    type: routeTypes[payload[7]!] ?? "other",
    scope: scopeOf(payload[6]!),
    table: attributes.u32(RTA_TABLE) ?? payload[4]!,
    protocol: payload[5]!,
    metric: attributes.u32(RTA_PRIORITY) ?? 0,
    source: addressText(attributes.bytes(RTA_PREFSRC)),
    mtu: attributes.nested(RTA_METRICS)?.u32(RTAX_MTU),
  };
  if (attributes.fault !== undefined) return faulty(attributes.fault);
  return hops === undefined ? faulty("truncated") : decoded({ ...route, hops });
}

/** Reads RTM_NEWROUTE of IPv4 and IPv6; undefined for others. Never throws. */
export function decodeRoute(message: NetlinkMessage): Decoded<Route | undefined> {
  const { type, payload } = message;
  if (type !== RTM_NEWROUTE) return decoded(undefined);
  if (payload.length < headBytes) return faulty("truncated");
  if (payload[0] === AF_INET) return readRoute(payload, 4);
  if (payload[0] === AF_INET6) return readRoute(payload, 6);
  return decoded(undefined);
}
