/**
 * Requires what the fall-back fence needs of the kernel, found out by the program nft in a network
 * namespace of its own.
 *
 * @module
 */
import { missing, requireAll, requireNetns, requirePeer, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

const ruleset =
  "table netdev t { flags owner; chain c { type filter hook egress device lo priority 0; }; }";

/** Requires nf_tables with owned tables (5.12) and the hook egress (5.16). */
export function requireNftFence(): Requirement {
  const programs = requireAll(requireNetns(), requirePeer("nft", "ping"));
  if (programs.skip) return programs;
  const command = ["unshare", "--net", "nft", "-i"];
  const { stderr } = Bun.spawnSync(command, { stdin: new Blob([`${ruleset}\n`]) });
  const text = stderr.toString().trim();
  return text === "" ? satisfied : missing(`needs the egress hook of nf_tables (${text})`);
}
