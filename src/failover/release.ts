/**
 * Removes what a director that died has left on the host: addresses that bear its mark, and then
 * the fence that kept them from being answered for.
 *
 * @module
 */

import { existsSync } from "node:fs";

import { hostBpfKernel, openBpfFileSystem, possibleProcessors } from "../bpf/index.ts";
import { BpfFence, fencePinsName } from "../fence/index.ts";
import { NetlinkError } from "../netlink/index.ts";
import { openNftFence } from "../netlink/nftables/index.ts";
import { openRouteSocket } from "../netlink/route/index.ts";
import { nftTableName } from "./guard-nft.ts";
import { addressProtocol } from "./held-addresses.ts";

/** An address that was removed. */
export interface ReleasedAddress {
  readonly device: string;
  readonly address: string;
}

/**
 * Removes all marked addresses of this network namespace, then the fence of this director.
 *
 * @throws {NetlinkError} `NETLINK_REFUSED` without CAP_NET_ADMIN.
 */
export function release(runtimeDirectory: string): ReleasedAddress[] {
  using routes = openRouteSocket();
  const names = new Map(routes.listLinks().map(({ index, name }) => [index, name]));
  const left = routes.listAddresses().filter(({ protocol }) => protocol === addressProtocol);
  for (const { index, address, prefixBits } of left) {
    routes.deleteAddress({ index, address, prefixBits });
  }
  removeFence(runtimeDirectory);
  removeNftFence();
  return left.map(({ index, address }) => ({ device: names.get(index) ?? String(index), address }));
}

/**
 * Removes the fence of nf_tables that a guard has left in this network namespace, if it can: there
 * may be no nf_tables, and one that a living guard owns is its own.
 */
export function removeNftFence(): void {
  try {
    using fence = openNftFence(nftTableName);
    fence.remove();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
}

/** Without bpf there is none to remove. */
function removeFence(runtimeDirectory: string): void {
  let pins: string;
  try {
    pins = openBpfFileSystem(fencePinsName, runtimeDirectory);
  } catch {
    return;
  }
  if (!existsSync(`${pins}/leases`)) return;
  new BpfFence({ kernel: hostBpfKernel, pins, processors: possibleProcessors() }).remove();
}
