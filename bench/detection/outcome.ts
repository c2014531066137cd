/**
 * What a fault of a real server cost a client. Pure.
 *
 * @module
 */
import type { Request } from "./client.ts";

/** When a real server failed; `performance.now()`. */
export interface Fault {
  readonly beganMs: number;
  /** A killed process keeps its sockets until it is gone, some milliseconds later. */
  readonly doneMs: number;
}

/** What a party's client met in one round. */
export interface Outcome {
  readonly bad: number;
  /** Of them, those that started before the fault was done: nobody can give them another server. */
  readonly underWay: number;
  /** From the fault to the start of the last bad request, in ms; 0: there was none after it. */
  readonly lastBadMs: number;
  /** Bad ones long before the fault: none, or the round says nothing. */
  readonly badBefore: number;
}

/** A request that started so shortly before the fault may have been under way in it. */
const underWayMs = 10;

/** Counts the bad requests of a round; those under way at the fault are bad ones too. */
export function evaluateRequests(
  requests: readonly Request[],
  { beganMs, doneMs }: Fault,
): Outcome {
  const bad = requests.filter(({ outcome }) => outcome !== "ok").map(({ startedMs }) => startedMs);
  const badBefore = bad.filter((startedMs) => startedMs < beganMs - underWayMs).length;
  return {
    bad: bad.length,
    underWay: bad.filter((startedMs) => startedMs < doneMs).length - badBefore,
    lastBadMs: Math.max(0, ...bad.map((startedMs) => startedMs - beganMs)),
    badBefore,
  };
}
