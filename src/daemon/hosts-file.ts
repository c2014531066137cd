/**
 * /etc/hosts (hosts(5)): names that DNS need not know.
 *
 * Pure.
 *
 * @module
 */

import { canonicalAddress } from "../net/address.ts";

/** Addresses of `name` in the text of a hosts file, in its order. */
export function findHost(hostsText: string, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const addresses: string[] = [];
  for (const line of hostsText.split("\n")) {
    const [addressText, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (!names.some((other) => other.toLowerCase() === wanted)) continue;
    const address = canonicalAddress(addressText!);
    if (address !== undefined) addresses.push(address);
  }
  return addresses;
}
