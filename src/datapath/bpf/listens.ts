/**
 * What services listen on, as keys of the program's maps: single ports one by one, ranges as
 * prefixes, and for masq the way back from real servers to what clients have called. Pure.
 *
 * @module
 */

import type { ForwardingService, ListenAddress } from "../../model/index.ts";
import type { Endpoint } from "../../net/address.ts";
import { encodeEndpoint, encodeRange } from "./layout.ts";
import type { PortPrefix } from "./layout.ts";

const portBits = 16;
const portMax = 65_535;

/** Prefixes that cover the ports from `first` to `last` and no others: at most 30. */
export function portPrefixes(first: number, last: number): PortPrefix[] {
  const prefixes: PortPrefix[] = [];
  for (let port = first; port <= last;) {
    let free = 0;
    while (free < portBits && port % 2 ** (free + 1) === 0 && port + 2 ** (free + 1) - 1 <= last) {
      free += 1;
    }
    prefixes.push({ port, bits: portBits - free });
    port += 2 ** free;
  }
  return prefixes;
}

function isSinglePort({ portFirst, portLast }: ListenAddress): boolean {
  return portFirst === portLast && portFirst !== 0;
}

/** Keys of `services` and of `ranges`. */
export interface ListenKeys {
  readonly services: readonly Uint8Array[];
  readonly ranges: readonly Uint8Array[];
}

/** Keys of everything that a service listens on; port 0 is all ports. */
export function listenKeys({ listen, protocol }: ForwardingService): ListenKeys {
  return {
    services: listen
      .filter(isSinglePort)
      .map(({ address, portFirst }) => encodeEndpoint({ address, port: portFirst }, protocol)),
    ranges: listen
      .filter((one) => !isSinglePort(one))
      .flatMap(({ address, portFirst, portLast }) => {
        const prefixes = portPrefixes(portFirst, portFirst === 0 ? portMax : portLast);
        return prefixes.map((prefix) => encodeRange(address, prefix, protocol));
      }),
  };
}

/** What clients call a real server of masq. */
export interface VirtualNames {
  /** The first name; port 0: the one that the packet has. */
  readonly name: Endpoint;
  /** There are others: connections have to say which. */
  readonly isShared: boolean;
}

/** The names of each real server of masq, by its key in hex. */
export function virtualNames(services: readonly ForwardingService[]): Map<string, VirtualNames> {
  const found = new Map<string, VirtualNames>();
  for (const { forwarding, servers, listen, protocol } of services) {
    if (forwarding !== "masq") continue;
    for (const server of servers) {
      const key = encodeEndpoint(server, protocol).toHex();
      for (const one of listen) {
        const port = server.port === 0 ? 0 : one.portFirst;
        const isShared = found.has(key) || (server.port !== 0 && !isSinglePort(one));
        const name = found.get(key)?.name ?? { address: one.address, port };
        found.set(key, { name, isShared });
      }
    }
  }
  return found;
}
