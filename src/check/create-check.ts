/**
 * From a {@link CheckSpec} to the check it asks for. To add a check: write its file, add it here
 * and to `test/contract/check.test.ts`.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import { invariant } from "../errors/index.ts";
import type { CheckSpec } from "../model/index.ts";
import { createAlternatingCheck } from "./alternating.ts";
import type { Check, CheckResult, CheckTarget } from "./check.ts";
import { createConnectCheck } from "./connect.ts";
import { createConnector } from "./connector.ts";
import { createExternalCheck } from "./external.ts";
import { createHttpCheck } from "./http.ts";
import { createPingCheck } from "./ping.ts";
import { createPinger } from "./pinger.ts";
import { createPollLoop } from "./poll-loop.ts";
import { createServiceCheck } from "./service.ts";
import { createTrustStore } from "./tls-trust.ts";
import { createVipCheck } from "./vip.ts";
import type { ClientPaths } from "./vip.ts";

/** Makes checks that share sockets, caches and deadlines. */
export interface CheckFactory {
  /** A check for one real server; `on` and `off` need none (see {@link fixedResult}). */
  create(spec: CheckSpec, protocol: CheckTarget["protocol"]): Check;
  /** Gives the shared sockets back and kills external programs. Checks must have ended or do so. */
  close(): void;
}

/** What is known without asking; undefined: it has to be checked. Pure. */
export function fixedResult(
  spec: CheckSpec,
  target: CheckTarget | undefined,
): CheckResult | undefined {
  if (spec.type === "off") {
    return { up: false, tookMs: 0, reason: "disabled", detail: "the check is off" };
  }
  if (target === undefined) {
    return { up: false, tookMs: 0, reason: "unresolved", detail: "the name has no address" };
  }
  return spec.type === "on" ? { up: true, tookMs: 0 } : undefined;
}

/**
 * Creates a factory.
 *
 * @param clock Deadlines run on it; a timer queue, when there are many checks.
 * @param scriptUser Login name that runs external checks.
 * @param clientPaths For `vip` checks; without it they fail.
 */
export function createCheckFactory(
  clock: Clock,
  scriptUser: string,
  clientPaths?: ClientPaths,
): CheckFactory {
  const pollLoop = createPollLoop(clock);
  const connector = createConnector(clock, pollLoop);
  const pinger = createPinger(clock, pollLoop);
  const trustStore = createTrustStore();
  const abort = new AbortController();

  // A datagram port does not answer a handshake: ask for the host, as ldirectord does.
  const connect = (protocol: CheckTarget["protocol"]): Check =>
    protocol === "udp" ? createPingCheck(clock, pinger) : createConnectCheck(clock, connector);

  const serviceTools = { clock, connector, pollLoop, trustStore };
  const negotiate = ({ http, serviceCheck }: CheckSpec): Check => {
    if (serviceCheck !== undefined) return createServiceCheck(serviceTools, serviceCheck);
    invariant(http !== undefined, "a negotiate check has its service's settings");
    return createHttpCheck({ clock, connector, trustStore, spec: http });
  };

  return {
    create(spec, protocol) {
      switch (spec.type) {
        case "connect":
          return connect(protocol);
        case "negotiate": {
          const turns = spec.connectsPerNegotiate;
          if (turns === 0) return negotiate(spec);
          return createAlternatingCheck(connect(protocol), negotiate(spec), turns);
        }
        case "ping":
          return createPingCheck(clock, pinger);
        case "external":
        case "external-perl":
          return createExternalCheck({
            clock,
            type: spec.type,
            command: spec.command ?? [],
            scriptUser,
            signal: abort.signal,
          });
        case "vip":
          return createVipCheck({ clock, connector, clientPaths });
        case "on":
        case "off":
          return { name: spec.type, run: (target) => Promise.resolve(fixedResult(spec, target)!) };
      }
    },
    close() {
      abort.abort();
      pollLoop.close();
    },
  };
}
