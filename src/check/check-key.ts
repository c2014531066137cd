/**
 * Identity of a check: two real servers of different services with the same key are asked once.
 * Pure.
 *
 * @module
 */

import type { CheckSpec } from "../model/index.ts";
import type { CheckTarget } from "./check.ts";

/** What of a target the check of this type looks at, besides address and port. */
function relevantTarget(spec: CheckSpec, target: CheckTarget): readonly unknown[] {
  switch (spec.type) {
    case "connect":
      // Datagram services are pinged.
      return [target.protocol];
    case "negotiate":
      return [target.protocol, target.host, target.sendProxy, target.virtualPort];
    case "external":
    case "external-perl":
      return [target.virtualAddress, target.virtualPort];
    case "vip":
      return [target.vip];
    case "ping":
    case "on":
    case "off":
      return [];
  }
}

/** Equal exactly if the same question is put to the same place at the same pace. */
export function checkKey(spec: CheckSpec, target: CheckTarget | undefined): string {
  if (target === undefined) return JSON.stringify([null, spec]);
  const { address } = target;
  const port = spec.type === "ping" ? 0 : target.port;
  return JSON.stringify([address, port, relevantTarget(spec, target), spec]);
}

/**
 * A number 0..1 (1 excluded) that is always the same for a text, spread evenly (FNV-1a, 32 bits,
 * with a final mix: without it texts that differ at their end only lie close together).
 */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x45d9f3b);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 0x1_0000_0000;
}
