/**
 * Requires the right to run under SCHED_FIFO, found out by a program that does.
 *
 * @module
 */
import { missing, requirePeer, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

/** Requires real-time priority: without it nobody promises anything on a busy machine. */
export function requireRealtime(): Requirement {
  const chrt = requirePeer("chrt");
  if (chrt.skip) return chrt;
  const { success } = Bun.spawnSync(["chrt", "--fifo", "1", "true"]);
  return success ? satisfied : missing("may not use SCHED_FIFO");
}
