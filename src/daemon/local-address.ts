/**
 * Which addresses are this host's own.
 *
 * @module
 */

import { networkInterfaces } from "node:os";

import type { Clock } from "../clock/index.ts";
import { canonicalAddress, parseIpv4 } from "../net/address.ts";

/** Addresses are read anew after this time: they change rarely, and snapshots are frequent. */
const freshMs = 10_000;

/** A question that is cheap to ask often. */
export function createLocalAddresses(clock: Clock): (address: string) => boolean {
  let addresses: ReadonlySet<string> = new Set();
  let readAtMs = Number.NEGATIVE_INFINITY;
  return (address) => {
    if (clock.nowMs() - readAtMs >= freshMs) {
      readAtMs = clock.nowMs();
      addresses = readAddresses();
    }
    // All of 127.0.0.0/8 is local, though only one of it is on the interface.
    return addresses.has(address) || parseIpv4(address)?.[0] === 127;
  };
}

function readAddresses(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const entries of Object.values(networkInterfaces())) {
    for (const { address } of entries ?? []) {
      // A link-local address may carry its zone.
      found.add(canonicalAddress(address.replace(/%.*/, "")) ?? address);
    }
  }
  return found;
}
