/**
 * Connect check (`checktype=connect`): up if the TCP port answers a handshake.
 *
 * Nothing is sent, also no PROXY header: the connection ends before the real server's program sees
 * it (src/check/connector.ts).
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { Check, CheckTarget } from "./check.ts";
import { prepareDestination } from "./connector.ts";
import type { Connector, Destination } from "./connector.ts";
import { down, up } from "./failure.ts";

/** Keeps the destination of the last target: a check asks the same one again and again. */
export function createDestinationCache(): (target: CheckTarget) => Destination {
  let address = "";
  let port = -1;
  let destination: Destination | undefined;
  return (target) => {
    if (destination === undefined || target.address !== address || target.port !== port) {
      ({ address, port } = target);
      destination = prepareDestination(address, port);
    }
    return destination;
  };
}

/** Creates a connect check. */
export function createConnectCheck(clock: Clock, connector: Connector): Check {
  const destinationOf = createDestinationCache();
  return {
    name: "connect",
    async run(target, timeoutMs) {
      const startedAtMs = clock.nowMs();
      const deadline = { atMs: startedAtMs + timeoutMs, limitMs: timeoutMs };
      const failure = await connector.touch(destinationOf(target), deadline);
      const tookMs = clock.nowMs() - startedAtMs;
      return failure === undefined ? up(tookMs) : down(tookMs, failure);
    },
  };
}
