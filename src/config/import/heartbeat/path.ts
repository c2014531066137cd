/**
 * Media of a ha.cf as interfaces and peers of a virtual router. Pure.
 *
 * @module
 */

import { quoted } from "../notes.ts";
import type { Origin } from "../notes.ts";
import type { HaCf, Medium } from "./ha-cf.ts";
import type { HeartbeatHost } from "./host.ts";
import type { Told } from "./told.ts";
import { resolveAddress } from "./value.ts";

/** Where advertisements go. */
export interface Paths {
  /** In the order written; empty: no medium that can be used. */
  readonly interfaces: readonly string[];
  /** Addresses of the other directors; empty: multicast. */
  readonly peers: readonly string[];
  /** The same, also with multicast: of each `ucast` that is not for this director. */
  readonly others: readonly string[];
  /** Where to tell what is wrong with them. */
  readonly origin: Origin;
}

/** An address of `ucast`. */
interface Peer {
  readonly medium: Medium;
  readonly address: string;
}

/** Finds out; what is left out is told. */
export function pathsOf(
  { file, media }: HaCf,
  host: HeartbeatHost,
  options: { readonly addresses: ReadonlyMap<string, string>; readonly told: Told },
): Paths {
  const { addresses, told } = options;
  const origin = media[0] ?? { file, line: 0 };
  const interfaces = [...new Set(media.map((one) => one.interface))];
  const unicast = media.filter(({ peer }) => peer !== undefined);
  const known = unicast.flatMap((medium) => peerOf(medium, addresses, told));
  const own = ownAddresses(host, addresses);
  if (own.size === 0) warnUnknownSelf(known, told);
  const others = [...new Set(known.flatMap(({ address }) => (own.has(address) ? [] : [address])))];
  const paths = { interfaces, others, origin };
  if (unicast.length === media.length) {
    if (others.length === 0 && unicast.length > 0) {
      told.warn(origin, "No ucast names another director: advertisements go out by multicast");
    }
    return { ...paths, peers: others };
  }
  for (const one of unicast) {
    const what = `ucast to ${quoted(one.peer!)} is left out`;
    told.warn(one, `${what}: advertisements go out by multicast on each interface named`);
  }
  return { ...paths, peers: [] };
}

function peerOf(medium: Medium, addresses: ReadonlyMap<string, string>, told: Told): Peer[] {
  const address = resolveAddress(medium.peer!, addresses);
  if (address !== undefined) return [{ medium, address }];
  const what = `ucast to ${quoted(medium.peer!)} is left out`;
  told.warn(medium, `${what}: /etc/hosts has no such name, so write its address`);
  return [];
}

/** A ucast to oneself is for the other node: both have the same file. */
function ownAddresses(
  { networks = [], nodeName }: HeartbeatHost,
  addresses: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const own = new Set(networks.map(({ address }) => address));
  const named = addresses.get(nodeName.toLowerCase());
  // Debian has the own name at 127.0.1.1, which no ucast names.
  if (named !== undefined && !named.startsWith("127.")) own.add(named);
  return own;
}

function warnUnknownSelf(known: readonly Peer[], told: Told): void {
  const seen = new Set<string>();
  for (const { medium } of known) {
    if (seen.has(medium.interface)) {
      told.warn(medium, "Which of the ucast lines is this director is not known: mend peers");
      return;
    }
    seen.add(medium.interface);
  }
}
