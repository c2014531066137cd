/**
 * The peer channel as a part of the director: what it works with, and what it tells in words.
 *
 * @module
 */

import type { PeerPlan, RealtimeEvent } from "../failover/index.ts";
import type { Config, PeerConfig, VirtualRouter } from "../model/index.ts";
import { requireKeys } from "../peer/index.ts";
import type { Report } from "./report.ts";

/** What of a virtual router is the same on both directors; priority and interfaces are not. */
function sharedOf(router: VirtualRouter): unknown {
  const { name, vrid, version, family, advertiseIntervalMs, downAfterMs, group, witness } = router;
  const addresses = router.addresses.map(({ address, prefixBits, isAdvertised }) => {
    return { address, prefixBits, isAdvertised };
  });
  const times = { advertiseIntervalMs, downAfterMs };
  return { name, vrid, version, family, addresses, ...times, group, witness };
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}

/** Which engine carries each service, by its name. */
export type CarriedBy = ReadonlyMap<string, string>;

const nothingCarried: CarriedBy = new Map();

/**
 * 8 bytes in hexadecimal over what two directors of one pair have in common: services, the engines
 * that carry them, and virtual routers without what is each director's own. The order in the files
 * does not matter.
 */
export function configurationDigest(
  { virtualServices, virtualRouters }: Config,
  carriedBy: CarriedBy = nothingCarried,
): string {
  const services = virtualServices
    .toSorted(byName)
    .map((service) => ({ ...service, carriedBy: carriedBy.get(service.name) }));
  const routers = virtualRouters.toSorted(byName).map(sharedOf);
  const text = JSON.stringify({ services, routers });
  return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Reads the key file of a peer, if there is one.
 *
 * @throws {ApplianceError} `PEER_KEY_FILE` if it cannot be used.
 */
export function readPeerKeys(peer: PeerConfig | undefined): PeerPlan["keys"] {
  if (peer === undefined) return [];
  return requireKeys(peer.keyFile).map(({ id, secret }) => ({ id, secret: secret.toHex() }));
}

/**
 * What the real-time thread needs of the peer.
 *
 * @throws {ApplianceError} `PEER_KEY_FILE`.
 */
export function peerPlanOf(config: Config, carriedBy?: CarriedBy): PeerPlan | undefined {
  const { peer } = config;
  if (peer === undefined) return undefined;
  const { address, port } = peer;
  return {
    address,
    port,
    keys: readPeerKeys(peer),
    digest: configurationDigest(config, carriedBy),
  };
}

/** What the thread says of the peer. */
export type PeerNotice = Extract<RealtimeEvent, { readonly type: "peer" | "peer-comparison" }>;

/** What a comparison is told with: that it is the same again, and that it differs. */
const comparisonTexts = {
  configuration: [
    "Both directors have the same configuration and engines again",
    "The two directors have different configurations, or different engines for a service",
  ],
  tables: [
    "Both directors have the same tables of scheduler mh again",
    "The two directors have different tables of scheduler mh: other real servers are live for " +
      "each, and a takeover will move clients",
  ],
} as const;

/** A notice in words. */
export function peerReport(notice: PeerNotice): Pick<Report, "level" | "name" | "text"> {
  if (notice.type === "peer") {
    const { isReachable } = notice;
    const text = isReachable
      ? "The peer is heard on the peer channel"
      : "The peer is not heard on the peer channel";
    return { level: isReachable ? "info" : "warning", name: "peer", text };
  }
  const { what, isSame } = notice;
  const text = comparisonTexts[what][isSame ? 0 : 1];
  return { level: isSame ? "info" : "warning", name: `peer-${what}`, text };
}
