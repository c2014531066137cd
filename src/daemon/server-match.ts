/**
 * Which real servers an operator means by `192.0.2.11:80`, `web1:80`, `192.0.2.11` or `web1`.
 *
 * Pure.
 *
 * @module
 */

import type { RealServer, VirtualService } from "../model/index.ts";
import { canonicalAddress, splitHostPort } from "../net/address.ts";
import { configuredKey } from "./server-id.ts";
import type { ServerRef } from "./server-id.ts";

/** A real server found, with its configured settings. */
export interface MatchedServer extends ServerRef {
  readonly realServer: RealServer;
}

/** What to look for, and where. */
export interface ServerQuery {
  readonly server: string;
  /** Name of the only service to look in; undefined: in all. */
  readonly service: string | undefined;
}

/** Host in the form the configuration has: addresses canonical, names in lower case. */
function canonicalHost(host: string): string {
  return canonicalAddress(host) ?? host.toLowerCase();
}

/** Host and, if one was given, port of what the operator wrote. */
function parseQuery(text: string): { readonly host: string; readonly port: number | undefined } {
  const bare = canonicalAddress(text.replace(/^\[(.*)\]$/, "$1"));
  if (bare !== undefined) return { host: bare, port: undefined };
  const split = splitHostPort(text);
  if (split === undefined) return { host: canonicalHost(text), port: undefined };
  return { host: canonicalHost(split.host), port: split.port };
}

/**
 * Every real server that `query` names, in the order of the configuration.
 *
 * @param addressOf Address that a configured host has now; undefined while it is not resolved.
 */
export function matchServers(
  services: readonly VirtualService[],
  query: ServerQuery,
  addressOf: (host: string) => string | undefined,
): readonly MatchedServer[] {
  const wanted = parseQuery(query.server);
  const found: MatchedServer[] = [];
  for (const service of services) {
    if (query.service !== undefined && query.service !== service.name) continue;
    for (const realServer of service.realServers) {
      if (wanted.port !== undefined && wanted.port !== realServer.port) continue;
      const isNamed = canonicalHost(realServer.host) === wanted.host;
      if (!isNamed && addressOf(realServer.host) !== wanted.host) continue;
      found.push({ service: service.name, server: configuredKey(realServer), realServer });
    }
  }
  return found;
}
