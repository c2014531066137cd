/**
 * Which file of the maintenance directory takes which real server out of service (ldirectord(8),
 * maintenancedir): named after its address or its host, whole or up to the first dot, with its
 * port or for all ports.
 *
 * A name that is no address also stands for the server whose address it resolves to, so that
 * `web1` works where the configuration has the address. Pure.
 *
 * @module
 */

import { canonicalAddress, formatEndpoint } from "../net/address.ts";

/** What the name of a file stands for. */
export interface MaintenanceName {
  /** Canonical address, or a name in lower case. */
  readonly host: string;
  /** Undefined: every port. */
  readonly port: number | undefined;
}

/** A server as it is looked for. */
export interface MaintainedServer {
  /** As configured. */
  readonly host: string;
  readonly port: number;
  /** Undefined while its name is not resolved. */
  readonly address: string | undefined;
}

/** Name of the file by what it stands for. */
export type MaintenanceIndex = ReadonlyMap<string, string>;

/** Reads the name of a file; undefined if it can be no server's, for example `.hidden` or `a b`. */
export function parseMaintenanceName(name: string): MaintenanceName | undefined {
  const bare = canonicalAddress(name);
  if (bare !== undefined) return { host: bare, port: undefined };
  const match = /^(?:\[([^\]]+)\]|([a-z0-9_][a-z0-9_.-]*))(?::(\d{1,5}))?$/i.exec(name);
  if (match === null) return undefined;
  const [, bracketed, plain = "", portText] = match;
  const host = bracketed === undefined ? undefined : canonicalAddress(bracketed);
  if (bracketed !== undefined && host === undefined) return undefined;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && port > 65_535) return undefined;
  return { host: host ?? canonicalAddress(plain) ?? plain.toLowerCase(), port };
}

/** One key for a host with a port, or for all its ports. */
function keyOf(host: string, port: number | undefined): string {
  return port === undefined ? host : formatEndpoint({ address: host, port });
}

/** True for a host that must be looked up. */
function isName(host: string): boolean {
  return canonicalAddress(host) === undefined;
}

/** Hosts among the names of files whose addresses are to be looked up. */
export function namesToResolve(files: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const file of files) {
    const host = parseMaintenanceName(file)?.host;
    if (host !== undefined && isName(host)) names.add(host);
  }
  return names;
}

/**
 * Makes files findable by the servers they are named after.
 *
 * @param addressOf Address of a name; undefined while it is not known.
 */
export function indexMaintenance(
  files: readonly string[],
  addressOf: (host: string) => string | undefined,
): MaintenanceIndex {
  const index = new Map<string, string>();
  for (const file of files) {
    const parsed = parseMaintenanceName(file);
    if (parsed === undefined) continue;
    const { host, port } = parsed;
    index.set(keyOf(host, port), file);
    const address = isName(host) ? addressOf(host) : undefined;
    if (address !== undefined) index.set(keyOf(address, port), file);
  }
  return index;
}

/** The name without its domain; undefined for an address. */
function shortName(host: string): string | undefined {
  return isName(host) ? host.split(".", 1)[0] : undefined;
}

/** Name of the file that takes a server out of service; undefined if there is none. */
export function maintenanceFileOf(
  { host, port, address }: MaintainedServer,
  index: MaintenanceIndex,
): string | undefined {
  if (index.size === 0) return undefined;
  for (const one of [address, host.toLowerCase(), shortName(host.toLowerCase())]) {
    if (one === undefined) continue;
    const file = index.get(keyOf(one, port)) ?? index.get(one);
    if (file !== undefined) return file;
  }
  return undefined;
}
