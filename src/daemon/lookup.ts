/**
 * Addresses of a name: /etc/hosts, then DNS with the time to live, then whatever else the system
 * knows (search domains, mDNS; without a time to live).
 *
 * @module
 */

import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";

import { canonicalAddress } from "../net/address.ts";
import { findHost } from "./hosts-file.ts";

/** What a name stands for. */
export interface Resolution {
  /** Canonical addresses, at least one. */
  readonly addresses: readonly string[];
  /** How long the answer holds; undefined if nobody said. */
  readonly ttlMs: number | undefined;
}

/** Answers with at least one address, or undefined; never rejects. */
export type Lookup = (name: string) => Promise<Resolution | undefined>;

interface RecordWithTtl {
  readonly address: string;
  readonly ttl: number;
}

/** DNS servers are waited for this long, each asked twice. */
const queryTimeoutMs = 2000;
const queryTries = 2;

/** Makes a resolution of DNS records; undefined if there are none. */
function resolutionOf(records: readonly RecordWithTtl[]): Resolution | undefined {
  const addresses = records
    .map(({ address }) => canonicalAddress(address))
    .filter((address) => address !== undefined);
  if (addresses.length === 0) return undefined;
  return { addresses, ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1000 };
}

/** Where {@link createLookup} looks; tests hand in their own. */
export interface LookupOptions {
  readonly hostsPath?: string;
  /** DNS servers as `address:port`; undefined: those of resolv.conf(5). */
  readonly servers?: readonly string[];
}

/** A lookup through the system's sources. IPv4 is preferred where a name has both. */
export function createLookup({ hostsPath = "/etc/hosts", servers }: LookupOptions = {}): Lookup {
  const resolver = new Resolver({ timeout: queryTimeoutMs, tries: queryTries });
  if (servers !== undefined) resolver.setServers(servers);

  const fromHosts = async (name: string): Promise<Resolution | undefined> => {
    const text = await readFile(hostsPath, "utf8").catch(() => "");
    const addresses = findHost(text, name);
    return addresses.length === 0 ? undefined : { addresses, ttlMs: undefined };
  };
  const fromDns = async (name: string): Promise<Resolution | undefined> => {
    const [ipv4, ipv6] = await Promise.all([
      resolver.resolve4(name, { ttl: true }).catch(() => []),
      resolver.resolve6(name, { ttl: true }).catch(() => []),
    ]);
    return resolutionOf(ipv4) ?? resolutionOf(ipv6);
  };
  const fromSystem = async (name: string): Promise<Resolution | undefined> => {
    const found = await lookup(name, { all: true }).catch(() => []);
    const addresses = found
      .toSorted((a, b) => a.family - b.family)
      .map(({ address }) => canonicalAddress(address))
      .filter((address) => address !== undefined);
    return addresses.length === 0 ? undefined : { addresses, ttlMs: undefined };
  };

  return async (name) =>
    (await fromHosts(name)) ?? (await fromDns(name)) ?? (await fromSystem(name));
}
