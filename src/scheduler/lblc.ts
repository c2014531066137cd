/**
 * Locality-based least-connection (`lblc`): a destination address keeps its real server until that
 * server is overloaded (more active connections than its weight) while another one is less than
 * half loaded; then the destination moves to the one that wlc picks. For clusters of caches.
 * Source: net/netfilter/ipvs/ip_vs_lblc.c, ipvsadm(8).
 *
 * @module
 */
import { byKey, canTake } from "./candidate.ts";
import { LocalityTable, stoppedClock } from "./locality.ts";
import type { SchedulerClock } from "./locality.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";
import { createWeightedLeastConnection } from "./wlc.ts";

/**
 * Whether connections should rather go elsewhere: `server` has more than its weight, and one of
 * the candidates that can take them has less than half of its own.
 */
export function shouldLeave(
  server: Candidate,
  candidates: readonly Candidate[],
  tried: readonly Candidate[],
): boolean {
  if (server.activeConnections <= server.weight) return false;
  for (const candidate of candidates) {
    if (candidate.activeConnections * 2 < candidate.weight && canTake(candidate, tried))
      return true;
  }
  return false;
}

/**
 * Creates a locality-based least-connection scheduler.
 *
 * @param clock When entries expire; without one they are only bounded in number.
 */
export function createLocalityLeastConnection(clock: SchedulerClock = stoppedClock): Scheduler {
  const table = new LocalityTable<Candidate>();
  const wlc = createWeightedLeastConnection();
  let candidates: readonly Candidate[] = [];

  return {
    name: "lblc",

    update(next) {
      candidates = [...next];
      wlc.update(candidates);
      const known = byKey(candidates);
      table.renewAll(({ key }) => known.get(key));
    },

    pick(flow, tried) {
      const nowMs = clock.nowMs();
      const kept = table.use(flow.destinationWord, nowMs);
      if (kept !== undefined && canTake(kept, tried) && !shouldLeave(kept, candidates, tried)) {
        return kept;
      }
      const picked = wlc.pick(flow, tried);
      if (picked !== undefined) table.set(flow.destinationWord, picked, nowMs);
      return picked;
    },
  };
}
