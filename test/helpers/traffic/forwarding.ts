/**
 * Services and servers for tests of engines: everything has a default that disturbs no test.
 *
 * @module
 */

import type { ForwardingServer, ForwardingService } from "../../../src/model/index.ts";
import { formatEndpoint } from "../../../src/net/address.ts";

/** An active server of weight 1 at a place, changed by `changes`. */
export function serverAt(
  { port, address = "127.0.0.1" }: { readonly port: number; readonly address?: string },
  changes: Partial<ForwardingServer> = {},
): ForwardingServer {
  return {
    key: formatEndpoint({ address, port }),
    role: "real",
    address,
    port,
    weight: 1,
    state: "active",
    upperThreshold: 0,
    lowerThreshold: 0,
    ...changes,
  };
}

/** Timeouts that no test reaches. */
export const longTimeouts: ForwardingService["timeouts"] = {
  connectMs: 60_000,
  idleMs: 60_000,
  halfClosedMs: 60_000,
  udpIdleMs: 60_000,
  keepaliveMs: 0,
  userTimeoutMs: 0,
};

/** What a test may say of a service; `port` and `timeouts` are short forms. */
export type ServiceChanges = Partial<Omit<ForwardingService, "timeouts">> & {
  readonly port?: number;
  readonly timeouts?: Partial<ForwardingService["timeouts"]>;
};

/** A TCP service `web` on 127.0.0.1 with round robin. */
export function serviceWith({ port = 0, timeouts, ...changes }: ServiceChanges): ForwardingService {
  return {
    name: "web",
    protocol: "tcp",
    listen: [{ address: "127.0.0.1", portFirst: port, portLast: port }],
    forwarding: "proxy",
    scheduler: "rr",
    persistence: undefined,
    servers: [],
    onDown: "keep",
    connectionLimit: 0,
    allow: [],
    deny: [],
    sendProxy: "off",
    acceptProxyFrom: [],
    source: [],
    onePacket: false,
    connectionLog: true,
    ...changes,
    timeouts: { ...longTimeouts, ...timeouts },
  };
}
