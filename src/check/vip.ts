/**
 * Check of a client's path (`type = "vip"`): up if the TCP port answers packets that come as those
 * of clients come, with the virtual address (gate, ipip) or with a source that only the default
 * route leads to (masq). So it finds the real server that does not have the address on `lo`, or
 * whose answers do not come back.
 *
 * The sockets connect to the real server's own address; what they send is changed on its way
 * (src/vip-path). Nothing is sent after the handshake.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import { errorText } from "../errors/index.ts";
import { familyOf } from "../net/address.ts";
import type { Check, CheckTarget, VipTarget } from "./check.ts";
import { createDestinationCache } from "./connect.ts";
import type { Connector, Deadline } from "./connector.ts";
import { down, printable, up } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** What is changed in the packets of one socket. */
export interface ClientWay {
  readonly forwarding: VipTarget["forwarding"];
  /** Canonical address of the real server. */
  readonly server: string;
  /** Of the family of the real server; of masq the real server's own. */
  readonly virtualAddress: string;
}

/** The path of one socket. */
export interface ClientPath {
  /** SO_MARK of the socket. */
  readonly mark: number;
  /** The socket is closed, or never was. */
  close(): void;
}

/** Leads packets as those of clients are led. */
export interface ClientPaths {
  /** @throws {Error} if this host cannot. */
  open(way: ClientWay): ClientPath;
  /** False: no check needs it any more, and nothing of it may stay. */
  keep(isWanted: boolean): void;
}

/** What a check works with. */
export interface VipCheckOptions {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly clientPaths: ClientPaths | undefined;
}

/** The addresses that a check asks one after the other. */
function waysOf({ address, vip }: CheckTarget): readonly ClientWay[] {
  if (vip === undefined) return [];
  const { forwarding, addresses } = vip;
  if (forwarding === "masq") return [{ forwarding, server: address, virtualAddress: address }];
  // Of the other family the packets within a tunnel would be others than those of the socket.
  const family = familyOf(address);
  const own = addresses.filter((one) => familyOf(one) === family);
  return own.map((virtualAddress) => ({ forwarding, server: address, virtualAddress }));
}

/** A failure with what to look at. Silence is told by where, a refusal says it itself. */
function explain(failure: Failure, { forwarding, server, virtualAddress }: ClientWay): Failure {
  const { reason, detail } = failure;
  if (reason === "no-resources") return failure;
  if (forwarding === "masq") {
    if (reason !== "timeout") return failure;
    const question = "does its way back lead through this director?";
    return { reason, detail: `no answer from ${server}: ${question}` };
  }
  const what = reason === "timeout" ? "no answer" : detail;
  const where = `${virtualAddress} at ${server}`;
  const advice = "is the address on its lo? appliance setup realserver";
  if (reason === "refused") return { reason, detail: `${what}: nobody listens at ${where}` };
  return { reason, detail: `${what} from ${where}: ${advice}` };
}

/** Creates a check of a client's path. */
export function createVipCheck({ clock, connector, clientPaths }: VipCheckOptions): Check {
  const destinationOf = createDestinationCache();

  const ask = async (
    paths: ClientPaths,
    target: CheckTarget,
    deadline: Deadline,
  ): Promise<Failure | undefined> => {
    if (target.address === "::1" || target.address.startsWith("127.")) {
      return { reason: "unreachable", detail: "loopback is no path of clients" };
    }
    const ways = waysOf(target);
    if (ways.length === 0) {
      return { reason: "unreachable", detail: "the service has no address of this family" };
    }
    for (const way of ways) {
      const path = paths.open(way);
      try {
        const { mark } = path;
        const failure = await connector.touch(destinationOf(target), deadline, { mark });
        if (failure !== undefined) return explain(failure, way);
      } finally {
        path.close();
      }
    }
    return undefined;
  };

  return {
    name: "vip",
    async run(target, timeoutMs) {
      const startedAtMs = clock.nowMs();
      const deadline = { atMs: startedAtMs + timeoutMs, limitMs: timeoutMs };
      let failure: Failure | undefined;
      try {
        failure =
          clientPaths === undefined
            ? { reason: "no-resources", detail: "this director cannot make vip checks" }
            : await ask(clientPaths, target, deadline);
      } catch (error) {
        // It says nothing about the real server.
        failure = { reason: "no-resources", detail: printable(errorText(error)) };
      }
      const tookMs = clock.nowMs() - startedAtMs;
      return failure === undefined ? up(tookMs) : down(tookMs, failure);
    },
  };
}
