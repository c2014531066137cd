/**
 * Why a virtual router changed its state, or why it does not: closed lists, labels of
 * `vrrp_transitions_total{to,cause}` and words of the event log. Inside the machine they are
 * numbers, so that they fit a shared block. Pure.
 *
 * @module
 */

/** Names by number. New ones go to the end. */
export const causeNames = [
  "none",
  "startup",
  "shutdown",
  "owner",
  "silence",
  "resignation",
  "preempt",
  "outranked",
  "yielded",
  "unfit",
  "witness",
  "carrier",
  "guard",
  "stall",
  "send-failure",
  "address-lost",
  "standby",
  "takeover",
  "group",
  "foreign-holder",
  "clock-alarm",
  "conflict",
  "fence",
] as const;

/** One of the names. */
export type CauseName = (typeof causeNames)[number];

/** Numbers by name. */
export const cause = {
  none: 0,
  startup: 1,
  shutdown: 2,
  owner: 3,
  silence: 4,
  resignation: 5,
  preempt: 6,
  outranked: 7,
  yielded: 8,
  unfit: 9,
  witness: 10,
  carrier: 11,
  guard: 12,
  stall: 13,
  sendFailure: 14,
  addressLost: 15,
  standby: 16,
  takeover: 17,
  group: 18,
  foreignHolder: 19,
  clockAlarm: 20,
  conflict: 21,
  fence: 22,
} as const;
