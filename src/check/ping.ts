/**
 * Ping check (`checktype=ping`): up if the real server answers an ICMP echo request.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { Check } from "./check.ts";
import { down, up } from "./failure.ts";
import type { Pinger } from "./pinger.ts";

/** Creates a ping check. */
export function createPingCheck(clock: Clock, pinger: Pinger): Check {
  return {
    name: "ping",
    async run(target, timeoutMs) {
      const startedAtMs = clock.nowMs();
      const deadline = { atMs: startedAtMs + timeoutMs, limitMs: timeoutMs };
      const failure = await pinger.ping(target.address, deadline);
      const tookMs = clock.nowMs() - startedAtMs;
      return failure === undefined ? up(tookMs) : down(tookMs, failure);
    },
  };
}
