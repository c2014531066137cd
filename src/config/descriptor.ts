/**
 * How many descriptors a configuration needs before the first client comes. Pure.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import type { Config } from "../model/index.ts";

/** Standard streams, runtime, log, control socket, status endpoint, their clients, scripts. */
const directorDescriptors = 96;

/** epoll, eventfds, timers and a few pipes of one thread. */
const workerDescriptors = 16;

/** Checks that run at once have one each; the check runner has the same order of bound. */
const checksMax = 512;

/** Fewer connections at once than this are no service: two descriptors each. */
const connectionsMin = 64;

/** What a configuration needs. */
export interface DescriptorNeed {
  /** Listening sockets: each port of each service, once a thread. */
  readonly listeners: number;
  /** Everything else, with room for a few connections. */
  readonly reserve: number;
  readonly total: number;
}

/** Computes the need for a number of threads. */
export function requiredDescriptors(config: Config, workers: number): DescriptorNeed {
  let ports = 0;
  let servers = 0;
  for (const { listen, realServers, forwarding } of config.virtualServices) {
    servers += realServers.length;
    // Nobody listens at what the kernel takes; masq may be the proxy's.
    if (forwarding === "gate" || forwarding === "ipip") continue;
    for (const { portFirst, portLast } of listen) ports += portLast - portFirst + 1;
  }
  const listeners = ports * workers;
  const checks = Math.min(servers, checksMax);
  const reserve = directorDescriptors + workers * workerDescriptors + checks + 2 * connectionsMin;
  return { listeners, reserve, total: listeners + reserve };
}

/**
 * Refuses a configuration that does not fit.
 *
 * @param limit RLIMIT_NOFILE of this process.
 * @throws {ApplianceError} `CONFIG_TOO_MANY_LISTENERS` with the numbers.
 */
export function requireDescriptors(config: Config, workers: number, limit: number): void {
  const { listeners, reserve, total } = requiredDescriptors(config, workers);
  if (total <= limit) return;
  throw new ApplianceError(
    "CONFIG_TOO_MANY_LISTENERS",
    `Cannot open ${listeners} listeners (${listeners / workers} ports, ${workers} workers): ` +
      `with ${reserve} other descriptors they need ${total}, got a limit of ${limit} ` +
      "(raise LimitNOFILE= or ulimit -n, or lower [proxy] workers)",
  );
}
