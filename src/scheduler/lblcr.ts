/**
 * Locality-based least-connection with replication (`lblcr`): a destination address has a set of
 * real servers and gets the least loaded of them. If that one is overloaded while another server
 * is less than half loaded, the one that wlc picks joins the set; a set unchanged for a day loses
 * its most loaded member. Source: net/netfilter/ipvs/ip_vs_lblcr.c, ipvsadm(8).
 *
 * @module
 */
import { byKey, canTake } from "./candidate.ts";
import { shouldLeave } from "./lblc.ts";
import { weightedOverhead } from "./least.ts";
import { localityExpiryMs, LocalityTable, stoppedClock } from "./locality.ts";
import type { SchedulerClock } from "./locality.ts";
import type { Candidate, Scheduler } from "./scheduler.ts";
import { createWeightedLeastConnection } from "./wlc.ts";

/** Most members of a set; a hot destination on more servers than this has no locality left. */
export const replicasMax = 16;

/** Servers of one destination. */
interface ReplicaSet {
  members: Candidate[];
  changedAtMs: number;
}

/** The least loaded member that can take a connection. */
function leastLoaded(set: ReplicaSet, tried: readonly Candidate[]): Candidate | undefined {
  let least: Candidate | undefined;
  let leastLoad = 0;
  for (const member of set.members) {
    if (!canTake(member, tried)) continue;
    const load = weightedOverhead(member);
    if (least === undefined || load < leastLoad) {
      least = member;
      leastLoad = load;
    }
  }
  return least;
}

/** Takes the most loaded member out; one that is quiescent counts as such. */
function removeMostLoaded(set: ReplicaSet): void {
  let most = 0;
  let mostLoad = -1;
  for (const [index, member] of set.members.entries()) {
    const load = member.weight > 0 ? weightedOverhead(member) : Number.POSITIVE_INFINITY;
    if (load > mostLoad) {
      most = index;
      mostLoad = load;
    }
  }
  set.members.splice(most, 1);
}

/** Adds a server, unless it is a member already. */
function join(set: ReplicaSet, server: Candidate, nowMs: number): void {
  if (set.members.includes(server)) return;
  if (set.members.length >= replicasMax) removeMostLoaded(set);
  set.members.push(server);
  set.changedAtMs = nowMs;
}

/**
 * Creates a locality-based least-connection scheduler with replication.
 *
 * @param clock When entries expire and sets shrink; without one they never do.
 */
export function createReplicatedLocality(clock: SchedulerClock = stoppedClock): Scheduler {
  const table = new LocalityTable<ReplicaSet>();
  const wlc = createWeightedLeastConnection();
  let candidates: readonly Candidate[] = [];

  return {
    name: "lblcr",

    update(next) {
      candidates = [...next];
      wlc.update(candidates);
      const known = byKey(candidates);
      table.renewAll((set) => {
        set.members = set.members.flatMap(({ key }) => known.get(key) ?? []);
        return set.members.length === 0 ? undefined : set;
      });
    },

    pick(flow, tried) {
      const nowMs = clock.nowMs();
      const set = table.use(flow.destinationWord, nowMs);
      const kept = set === undefined ? undefined : leastLoaded(set, tried);
      if (set !== undefined && set.members.length > 1) {
        if (nowMs - set.changedAtMs > localityExpiryMs) {
          removeMostLoaded(set);
          set.changedAtMs = nowMs;
        }
      }
      if (kept !== undefined && !shouldLeave(kept, candidates, tried)) return kept;

      const picked = wlc.pick(flow, tried);
      if (picked === undefined) return undefined;
      if (set !== undefined) join(set, picked, nowMs);
      else {
        table.set(flow.destinationWord, { members: [picked], changedAtMs: nowMs }, nowMs);
      }
      return picked;
    },
  };
}
