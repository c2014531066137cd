/**
 * How many TCP connections of this host have one of some addresses as their own.
 *
 * @module
 */

import { NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY } from "../../../ffi/constants/inet-diag.ts";
import { familyOf } from "../../net/address.ts";
import { openNetlink } from "../socket.ts";
import { decodeConnection, encodeConnectionQuestion } from "./connection.ts";

/**
 * Counts connections that are not over, also those that no program has any more but that still
 * have something to send. In the network namespace of the calling thread.
 *
 * @param addresses Canonical text.
 * @throws {NetlinkError} If the kernel cannot list them.
 */
export function countConnections(addresses: readonly string[]): number {
  using socket = openNetlink(NETLINK_SOCK_DIAG);
  const wanted = new Set(addresses);
  let count = 0;
  for (const family of [4, 6] as const) {
    if (!addresses.some((address) => familyOf(address) === family)) continue;
    const payload = encodeConnectionQuestion(family);
    const type = SOCK_DIAG_BY_FAMILY;
    const found = socket.dump({ operation: "list connections", type, payload }, decodeConnection);
    count += found.filter((address) => wanted.has(address)).length;
  }
  return count;
}
