/**
 * Heartbeat's words for sets of resources, for the virtual routers of this director. Pure.
 *
 * A line of haresources belongs to the node that it names first; `import` gives its virtual router
 * that name (`lb1`, the next one `lb1-2`), so the name tells whose it is.
 *
 * @module
 */

import type { VirtualRouterSnapshot } from "../../status/index.ts";

/** `failback` is another word for `foreign`: what the preferred node would take back. */
const resourceSets = ["all", "foreign", "local", "failback"] as const;

/** A word of `hb_standby` and `hb_takeover`. */
export type ResourceSet = (typeof resourceSets)[number];

/** True for a word that Heartbeat knows. */
export function isResourceSet(word: string): word is ResourceSet {
  return resourceSets.some((one) => one === word);
}

/** All words, for a usage text. */
export const resourceSetWords = resourceSets.join("|");

function isLocal(name: string, node: string): boolean {
  return (
    name === node || (name.startsWith(`${node}-`) && /^\d+$/.test(name.slice(node.length + 1)))
  );
}

/** The virtual routers of a set, on the host `node`. */
export function routersOf<T extends Pick<VirtualRouterSnapshot, "name">>(
  routers: readonly T[],
  set: ResourceSet,
  node: string,
): readonly T[] {
  if (set === "all") return routers;
  return routers.filter(({ name }) => isLocal(name, node) === (set === "local"));
}

/** What this director has: `all`, `local`, `foreign` or `none`. */
export function heldSet(
  routers: readonly Pick<VirtualRouterSnapshot, "name" | "state">[],
  node: string,
): "all" | "local" | "foreign" | "none" {
  const active = routers.filter(({ state }) => state === "active");
  if (active.length === 0) return "none";
  if (active.length === routers.length) return "all";
  return active.some(({ name }) => isLocal(name, node)) ? "local" : "foreign";
}
