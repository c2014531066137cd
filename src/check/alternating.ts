/**
 * `checktype=N`: N connects, then one negotiate.
 *
 * It starts with the negotiate, and after any failure asks by negotiate until one passes: a
 * connect alone must not bring a server back that does not answer.
 *
 * @module
 */

import type { Check } from "./check.ts";

/**
 * Creates a check that takes turns. Holds the count of one real server, so each has its own.
 *
 * @param connectsPerNegotiate 1 or more.
 */
export function createAlternatingCheck(
  connect: Check,
  negotiate: Check,
  connectsPerNegotiate: number,
): Check {
  let connectsLeft = 0;
  return {
    name: negotiate.name,
    async run(target, timeoutMs) {
      const isConnect = connectsLeft > 0;
      const result = await (isConnect ? connect : negotiate).run(target, timeoutMs);
      if (!result.up) {
        // Lack of resources says nothing about the server: the turn stays as it was.
        if (result.reason !== "no-resources") connectsLeft = 0;
      } else connectsLeft = isConnect ? connectsLeft - 1 : connectsPerNegotiate;
      return result;
    },
  };
}
