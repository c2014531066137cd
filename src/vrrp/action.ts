/**
 * What must be done after an event, as numbers in a list that is made once: the thread that drives
 * a virtual router allocates nothing per tick.
 *
 * The order of the list is the order of execution, and it is what keeps the promise: the lease ends
 * or drains before priority 0 is sent, and is renewed only after an advertisement was sent. Pure.
 *
 * @module
 */

import { invariant } from "../errors/index.ts";

/** Kinds of action. The comment of each says what its value means. */
export const action = {
  /**
   * Send an advertisement of this priority (value) on every interface with carrier. If it could be
   * sent on none, leave out the lease action that follows and report the event `send-failed`.
   */
  advertise: 1,
  /**
   * Open the fence and set the end of the lease (value, ms), unless the guard has closed it since
   * the driver looked at it before this event: this thread may have been stopped in between.
   */
  beginLease: 2,
  /** Set the end of the lease (value, ms); a closed fence stays closed. */
  renewLease: 3,
  /** Close the fence at once. */
  endLease: 4,
  /** Add the virtual addresses that are missing. */
  addAddresses: 5,
  /** Remove the virtual addresses. */
  removeAddresses: 6,
  /** Announce every virtual address, in the schedule of `announce-schedule.ts`. */
  announce: 7,
  /** Announce no more. */
  stopAnnouncing: 8,
  /** The state is now this one (value of `routerState`): notify scripts, status, groups. */
  notify: 9,
  /** Write the cause (value of `cause`) to the event log: of the change, or of no change. */
  log: 10,
  /** What the peer should know has changed: send it at once. */
  tellPeer: 11,
  /** Ask the ping witnesses now; `witness-proof` of a good answer names this round (value). */
  askWitness: 12,
  /**
   * Send one last advertisement of this priority (value), though this node has no lease any more:
   * the active director, which it loses to, may not have heard of it yet.
   */
  concede: 13,
  /**
   * Answer no question for the addresses any more, but serve what comes for them until then (value,
   * ms). A lease that has ended or was closed meanwhile stays so.
   */
  drainLease: 14,
  /** Send on to the director that drains what is of its connections, until then (value, ms). */
  forward: 15,
} as const;

/** More than one event ever causes, twice over for groups. */
const actionsMax = 32;

/** Actions of one event. `kinds` and `values` hold `count` entries; the machine writes them. */
export interface ActionList {
  count: number;
  readonly kinds: Uint8Array;
  /** Meaning by kind; times in ms of the monotonic clock. */
  readonly values: Float64Array;
}

/** An empty list. */
export function createActionList(): ActionList {
  return { count: 0, kinds: new Uint8Array(actionsMax), values: new Float64Array(actionsMax) };
}

/** Appends an action. */
export function pushAction(list: ActionList, kind: number, value = 0): void {
  invariant(list.count < actionsMax, "an event causes few actions");
  list.kinds[list.count] = kind;
  list.values[list.count] = value;
  list.count++;
}
