/**
 * Notices of rtnetlink as typed values: links and addresses that came, changed or went. Pure.
 *
 * @module
 */

import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from "../../../ffi/constants/rtnetlink.ts";
import { decoded } from "../decoded.ts";
import type { Decoded } from "../decoded.ts";
import type { NetlinkMessage } from "../message.ts";
import { decodeAddress } from "./address.ts";
import type { InterfaceAddress } from "./address.ts";
import { decodeLink } from "./link.ts";
import type { Link } from "./link.ts";

/** What happened. A `set` link or address is new or changed: the kernel does not tell which. */
export type RouteEvent =
  | { readonly type: "link-set" | "link-gone"; readonly link: Link }
  | { readonly type: "address-set" | "address-gone"; readonly address: InterfaceAddress };

function linkEvent(type: "link-set" | "link-gone", message: NetlinkMessage) {
  const result = decodeLink(message);
  if (!result.ok || result.value === undefined) return result.ok ? decoded(undefined) : result;
  return decoded({ type, link: result.value });
}

function addressEvent(type: "address-set" | "address-gone", message: NetlinkMessage) {
  const result = decodeAddress(message);
  if (!result.ok || result.value === undefined) return result.ok ? decoded(undefined) : result;
  return decoded({ type, address: result.value });
}

/** Reads a notice; undefined for those of other things. Never throws. */
export function decodeRouteEvent(message: NetlinkMessage): Decoded<RouteEvent | undefined> {
  switch (message.type) {
    case RTM_NEWLINK:
      return linkEvent("link-set", message);
    case RTM_DELLINK:
      return linkEvent("link-gone", message);
    case RTM_NEWADDR:
      return addressEvent("address-set", message);
    case RTM_DELADDR:
      return addressEvent("address-gone", message);
    default:
      return decoded(undefined);
  }
}
