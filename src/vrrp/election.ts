/**
 * Who is to be active: the higher priority, then the higher address (RFC 9568, section 6.4.3).
 * Pure.
 *
 * @module
 */

import type { AddressBytes } from "../net/address.ts";
import { ownerPriority } from "./advertisement.ts";

/** Lowest priority of a node that is fit to serve. */
export const fitPriorityMin = 10;
/** Highest priority of a node that is not. */
export const unfitPriorityMax = 9;
/** Highest priority that does not own the addresses. */
export const backupPriorityMax = 254;

/**
 * Order of two addresses of one family as unsigned numbers in network order: negative if `a` is
 * the lower one, 0 if they are equal.
 */
export function compareAddresses(a: AddressBytes, b: AddressBytes): number {
  for (let offset = 0; offset < a.length; offset++) {
    const difference = a[offset]! - b[offset]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Priority that a node advertises: its own while it is fit (10..254, 255 as owner), otherwise 1..9
 * by its live real servers, so that of two unfit nodes the better one keeps the address.
 *
 * @param configured Priority of the configuration, 1..255.
 * @param liveServers Real servers that are up; only an unfit node counts them.
 */
export function fitnessPriority(configured: number, isFit: boolean, liveServers: number): number {
  if (!isFit) return 1 + Math.min(unfitPriorityMax - 1, Math.max(0, Math.floor(liveServers)));
  if (configured === ownerPriority) return ownerPriority;
  return Math.min(backupPriorityMax, Math.max(fitPriorityMin, configured));
}
