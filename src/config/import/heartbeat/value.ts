/**
 * Values in Heartbeat's files: times, switches, names of interfaces and nodes, netmasks. Pure.
 *
 * @module
 */

import { canonicalAddress, parseIpv4 } from "../../../net/address.ts";

const unitsMs: ReadonlyMap<string, number> = new Map([
  ["", 1000],
  ["s", 1000],
  ["sec", 1000],
  ["ms", 1],
  ["msec", 1],
  ["us", 0.001],
  ["usec", 0.001],
  ["m", 60_000],
  ["min", 60_000],
  ["h", 3_600_000],
  ["hr", 3_600_000],
]);

/** Longer times than a year are nobody's. */
const timeMsMax = 366 * 86_400_000;

/** Whole ms of `30`, `0.5`, `500ms`, `10000us`; undefined if it is no time. */
export function parseTimeMs(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})([a-z]*)$/i.exec(text);
  const unitMs = match === null ? undefined : unitsMs.get(match[2]!.toLowerCase());
  if (match === null || unitMs === undefined) return undefined;
  const timeMs = Math.round(Number(match[1]) * unitMs);
  return timeMs > timeMsMax ? undefined : timeMs;
}

/** Heartbeat's switches; undefined for any other word. */
export function parseSwitch(text: string): boolean | undefined {
  if (/^(?:true|on|yes|y|1)$/i.test(text)) return true;
  return /^(?:false|off|no|n|0)$/i.test(text) ? false : undefined;
}

/** True for what may be the name of an interface (netdevice(7)); nothing of a template. */
export function isInterfaceName(text: string): boolean {
  return /^[\w.-]{1,15}$/.test(text) && /[^\d.]/.test(text);
}

/** True for what `uname -n` may say; nothing of a template. */
export function isNodeName(text: string): boolean {
  return text.length <= 128 && /^[\w][\w.-]*$/.test(text);
}

/** Bits of `24` or `255.255.255.0`, of an IPv4 or IPv6 address; undefined if it is no mask. */
export function parsePrefixBits(text: string, bitsMax: 32 | 128): number | undefined {
  if (/^\d{1,3}$/.test(text)) {
    const bits = Number(text);
    return bits <= bitsMax ? bits : undefined;
  }
  const bytes = bitsMax === 32 ? parseIpv4(text) : undefined;
  if (bytes === undefined) return undefined;
  const mask = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(mask) ? mask.lastIndexOf("1") + 1 : undefined;
}

/** Canonical address of `text`, or of a name in the table; undefined if neither. */
export function resolveAddress(
  text: string,
  addresses: ReadonlyMap<string, string>,
): string | undefined {
  return canonicalAddress(text) ?? addresses.get(text.toLowerCase());
}
