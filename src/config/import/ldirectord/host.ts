/**
 * Hosts as ldirectord reads them: addresses, the short forms of inet_aton(3), and names of
 * hosts(5). A name that no table knows stays a name. Pure.
 *
 * @module
 */

import { canonicalAddress, familyOf, formatAddress, parseIpv6 } from "../../../net/address.ts";
import type { Family } from "../../../net/address.ts";

/** Address by name, of one family each. */
export interface HostTable {
  readonly ipv4: ReadonlyMap<string, string>;
  readonly ipv6: ReadonlyMap<string, string>;
}

/** Reads a hosts(5) text; the first address of a name counts. */
export function readHostTable(text: string): HostTable {
  const ipv4 = new Map<string, string>();
  const ipv6 = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [address, ...names] = line.replace(/#.*$/, "").split(/\s+/).filter(Boolean);
    const canonical = address === undefined ? undefined : canonicalAddress(address);
    if (canonical === undefined) continue;
    const table = familyOf(canonical) === 4 ? ipv4 : ipv6;
    for (const name of names) {
      const key = name.toLowerCase();
      if (!table.has(key)) table.set(key, canonical);
    }
  }
  return { ipv4, ipv6 };
}

/** A host of a configuration line. */
export interface Host {
  /** Canonical address; the name if it is not known. */
  readonly host: string;
  /** The name as written; undefined for an address. */
  readonly name: string | undefined;
}

/**
 * Reads a host of one family, without brackets; undefined if it is neither an address of that
 * family nor a name.
 */
export function readHost(text: string, family: Family, table: HostTable): Host | undefined {
  if (family === 6) {
    const bytes = parseIpv6(text);
    if (bytes !== undefined) return { host: formatAddress(bytes), name: undefined };
  } else {
    const address = shortIpv4(text);
    if (address !== undefined) return { host: address, name: undefined };
  }
  if (!isName(text)) return undefined;
  const known = (family === 4 ? table.ipv4 : table.ipv6).get(text.toLowerCase());
  return { host: known ?? text, name: text };
}

/** True if the host is an address: written as one, or found in the table. */
export function isResolved({ host }: Host): boolean {
  return canonicalAddress(host) !== undefined;
}

function isName(text: string): boolean {
  return text.length <= 253 && /^[\w-]+(?:\.[\w-]+)*\.?$/.test(text) && /[a-z]/i.test(text);
}

/** `10.1` is 10.0.0.1, `5060` is 0.0.19.196, and a leading zero means octal (inet_aton(3)). */
function shortIpv4(text: string): string | undefined {
  if (!/^\d{1,10}(?:\.\d{1,10}){0,3}$/.test(text) || /\b0\d*[89]/.test(text)) return undefined;
  const parts = text.split(".").map((part) => Number.parseInt(part, /^0\d/.test(part) ? 8 : 10));
  const last = parts.pop()!;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return undefined;
  const word = parts.reduce((sum, part, index) => sum + part * 256 ** (3 - index), last);
  return wordToIpv4(word);
}

/** Dotted quad of a 32-bit number. */
export function wordToIpv4(word: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(word / 2 ** shift) % 256).join(".");
}

/** 32-bit number of a dotted quad. */
export function ipv4ToWord(address: string): number {
  return address.split(".").reduce((word, part) => word * 256 + Number(part), 0);
}
