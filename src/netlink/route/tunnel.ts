/**
 * Tunnel interfaces in rtnetlink (linux/if_tunnel.h), as `ip link add NAME type ipip` makes them.
 * Pure.
 *
 * @module
 */

import {
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_IPTUN_LOCAL,
  IFLA_IPTUN_PMTUDISC,
  IFLA_IPTUN_REMOTE,
  IFLA_IPTUN_TTL,
  IFLA_LINKINFO,
} from "../../../ffi/constants/rtnetlink.ts";
import { invariant } from "../../errors/index.ts";
import { attribute, concatenate, encodeAttributes } from "../attribute.ts";
import type { Attribute } from "../attribute.ts";
import { addressBytes } from "./address.ts";
import { encodeLinkHead } from "./link.ts";

/** Longest name of an interface in the kernel, without its zero byte (IFNAMSIZ - 1). */
const interfaceNameBytesMax = 15;

/** A tunnel interface to make. */
export interface NewTunnel {
  /** At most 15 bytes. */
  readonly name: string;
  /** `ipip`: IPv4 in IPv4; `ip6tnl`: IP in IPv6. */
  readonly kind: "ipip" | "ip6tnl";
  /** Own end, of the outer family; left out: any. */
  readonly local?: string;
  /** Other end; left out: any (takes packets of everybody, sends none). */
  readonly remote?: string;
  /** Of the outer header, 1..255; left out: that of the inner packet. */
  readonly ttl?: number;
}

/** Payload of RTM_NEWLINK that makes a tunnel. */
export function encodeNewTunnel({ name, kind, local, remote, ttl }: NewTunnel): Uint8Array {
  invariant(name.length <= interfaceNameBytesMax, "a name of an interface has at most 15 bytes");
  const data: Attribute[] = [];
  if (local !== undefined) data.push(attribute.bytes(IFLA_IPTUN_LOCAL, addressBytes(local)));
  if (remote !== undefined) data.push(attribute.bytes(IFLA_IPTUN_REMOTE, addressBytes(remote)));
  if (ttl !== undefined) data.push(attribute.u8(IFLA_IPTUN_TTL, ttl));
  // The kernel takes a fixed ttl together with path MTU discovery only.
  if (kind === "ipip") data.push(attribute.u8(IFLA_IPTUN_PMTUDISC, 1));
  const info = [attribute.text(IFLA_INFO_KIND, kind), attribute.nested(IFLA_INFO_DATA, data)];
  const attributes = [attribute.text(IFLA_IFNAME, name), attribute.nested(IFLA_LINKINFO, info)];
  return concatenate(encodeLinkHead(), encodeAttributes(attributes));
}
