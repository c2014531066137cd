/**
 * Resource limits (getrlimit(2)).
 *
 * @module
 */

import { RLIMIT_NOFILE } from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { checkResult } from "./socket.ts";

/** RLIM_INFINITY and anything near it, as a number that arrays can have. */
const descriptorsMax = 1_048_576;

/**
 * Raises the soft limit of open descriptors to the hard one.
 *
 * @returns The limit now in force, at most 1,048,576.
 */
export function raiseDescriptorLimit(): number {
  const limits = new BigUint64Array(2);
  checkResult(libc.getrlimit(RLIMIT_NOFILE, addressOf(limits)), "getrlimit", "RLIMIT_NOFILE");
  const hard = limits[1]!;
  if (limits[0]! < hard) {
    limits[0] = hard;
    checkResult(libc.setrlimit(RLIMIT_NOFILE, addressOf(limits)), "setrlimit", "RLIMIT_NOFILE");
  }
  return hard > BigInt(descriptorsMax) ? descriptorsMax : Number(hard);
}
