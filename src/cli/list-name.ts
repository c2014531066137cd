/**
 * Names in place of numbers, as `ipvsadm -L` without `-n` shows them: hosts by reverse lookup,
 * ports by /etc/services (services(5)); numbers where there is no name. And the way back, for the
 * service that is asked for.
 *
 * @module
 */

import { lookup, lookupService } from "node:dns/promises";
import { readFileSync } from "node:fs";

import { canonicalAddress, formatEndpoint, parseEndpoint } from "../net/address.ts";
import type { Endpoint } from "../net/address.ts";
import type { NameEndpoint } from "./list-format.ts";

/** Lookups at once, so that a name server is not flooded. */
const lookupsMax = 16;
/** All lookups together: who needs more should use `-n`. */
const deadlineMs = 5000;
/** Hosts looked up at most; the rest is shown by number. */
const hostsMax = 1000;

/** Where names come from; tests hand in their own. */
export interface NameSource {
  /** Name of an address; undefined if it has none. Must not reject. */
  hostOf(address: string): Promise<string | undefined>;
  /** First address of a name; undefined if nobody knows it. Must not reject. */
  addressOf(host: string): Promise<string | undefined>;
  /** Text of /etc/services; empty if there is none. */
  services(): string;
}

/** Names of this host. */
export const systemNames: NameSource = {
  async hostOf(address) {
    try {
      const { hostname } = await lookupService(address, 0);
      return hostname === address ? undefined : hostname;
    } catch {
      return undefined;
    }
  },
  async addressOf(host) {
    try {
      return canonicalAddress((await lookup(host)).address);
    } catch {
      return undefined;
    }
  },
  services() {
    try {
      return readFileSync("/etc/services", "utf8");
    } catch {
      return "";
    }
  },
};

/** Names by `port/protocol`, the first one of each. Pure. */
export function parseServices(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([^#\s]+)\s+(\d{1,5}\/(?:tcp|udp))(?:\s|#|$)/.exec(line);
    if (match !== null && !names.has(match[2]!)) names.set(match[2]!, match[1]!);
  }
  return names;
}

/** Everything by number: `-n`. */
export const numericNames: NameEndpoint = (endpoint) => formatEndpoint(endpoint);

/** Names of hosts, as far as they are found in time. */
async function lookUp(
  addresses: readonly string[],
  source: NameSource,
): Promise<ReadonlyMap<string, string>> {
  const hosts = new Map<string, string>();
  const waiting = addresses.slice(0, hostsMax);
  const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp, deadlineMs);
  const work = async (): Promise<void> => {
    for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) {
      const host = await source.hostOf(address);
      if (host !== undefined) hosts.set(address, host);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: lookupsMax }, work)), late]);
  clearTimeout(timer);
  waiting.length = 0;
  return new Map(hosts);
}

/** How to show `endpoints` by name. */
export async function resolveNames(
  endpoints: readonly Endpoint[],
  source: NameSource,
): Promise<NameEndpoint> {
  const addresses = [...new Set(endpoints.map(({ address }) => address))];
  const hosts = await lookUp(addresses, source);
  const services = parseServices(source.services());
  return ({ address, port }, protocol) => {
    const host = hosts.get(address) ?? address;
    const service = services.get(`${port}/${protocol}`) ?? String(port);
    return address.includes(":") ? `[${host}]:${service}` : `${host}:${service}`;
  };
}

/** Port of a service's name, or written out. */
function portOf(text: string, protocol: "tcp" | "udp", source: NameSource): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  const end = `/${protocol}`;
  for (const [port, name] of parseServices(source.services())) {
    if (name === text && port.endsWith(end)) return Number.parseInt(port, 10);
  }
  return undefined;
}

/** The endpoint that `address:port` or `host:service` means; undefined if it means none. */
export async function resolveEndpoint(
  text: string,
  protocol: "tcp" | "udp",
  source: NameSource,
): Promise<Endpoint | undefined> {
  const numeric = parseEndpoint(text);
  if (numeric !== undefined) return numeric;
  const [, host, service] = /^(\[[\da-fA-F:.]+\]|[\w.-]{1,255}):([\w.+-]{1,64})$/.exec(text) ?? [];
  if (host === undefined || service === undefined) return undefined;
  const port = portOf(service, protocol, source);
  if (port === undefined) return undefined;
  const bare = host.startsWith("[") ? host.slice(1, -1) : host;
  const address = canonicalAddress(bare) ?? (await source.addressOf(bare));
  return address === undefined ? undefined : parseEndpoint(formatEndpoint({ address, port }));
}
