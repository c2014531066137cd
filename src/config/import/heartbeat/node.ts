/**
 * Which node of the pair this director is, and what follows: priorities and identifiers. Pure.
 *
 * Both directors read the same files, so whatever they must have in common depends on nothing else.
 *
 * @module
 */

import { quoted } from "../notes.ts";
import { sha256 } from "./digest.ts";
import type { HaCf } from "./ha-cf.ts";
import type { ResourceGroup } from "./haresources.ts";
import type { Told } from "./told.ts";

/** The nodes of a configuration. */
export interface Nodes {
  /** This one, as in `uname -n`; it may be none of `names`. */
  readonly own: string;
  /** Of ha.cf; if it has none, of haresources. */
  readonly names: readonly string[];
}

/** Virtual router identifiers are 1..255 (RFC 9568, section 5.2.3). */
export const vridMax = 255;

/** Between the two, and below, there is room for a third director of keepalived's. */
const preferredPriority = 150;
const otherPriority = 100;

/** Finds the nodes; tells if this host is none of them. */
export function nodesOf(
  { file, nodes }: HaCf,
  groups: readonly ResourceGroup[],
  options: { readonly own: string; readonly told: Told },
): Nodes {
  const { own, told } = options;
  const written = nodes.map(({ value }) => value);
  const names = written.length > 0 ? written : [...new Set(groups.map(({ node }) => node))];
  const at = nodes[0] ?? { file, line: 0 };
  if (names.length > 0 && !names.includes(own)) {
    const text = `This host is ${quoted(own)} and none of the nodes`;
    told.warn(at, `${text}: say which director the result is for, with --node NAME`);
  }
  if (names.length > 2) {
    told.warn(at, "There are more than two nodes: the others stand in for each other by priority");
  }
  for (const group of groups) {
    if (written.length === 0 || written.includes(group.node)) continue;
    told.warn(group, `Node ${quoted(group.node)} is not in ha.cf: no director prefers this line`);
  }
  return { own, names };
}

/** The preferred node has the highest priority, the others follow in the order of ha.cf. */
export function priorityOf({ own, names }: Nodes, preferred: string): number {
  if (own === preferred) return preferredPriority;
  const others = names.filter((name) => name !== preferred);
  return otherPriority - Math.max(0, others.indexOf(own));
}

/**
 * Identifier of the first virtual router, from the names of the nodes: equal on both directors, and
 * hardly that of another pair on the same network. The next ones count on.
 */
export function firstVrid(names: readonly string[]): number {
  const text = [...new Set(names)].toSorted().join("\n");
  return 1 + (Number.parseInt(sha256(text).slice(0, 8), 16) % vridMax);
}

/** Identifier of the virtual router number `index` from 0; undefined if they are used up. */
export function vridOf(names: readonly string[], index: number): number | undefined {
  return index < vridMax ? 1 + ((firstVrid(names) - 1 + index) % vridMax) : undefined;
}

/** The other node of a pair; undefined if there is not exactly one. */
export function otherNode({ own, names }: Nodes): string | undefined {
  const others = names.filter((name) => name !== own);
  return others.length === 1 && names.length === 2 ? others[0] : undefined;
}
