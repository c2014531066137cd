/**
 * Instances that move together: the outside and the inside address of `masq`, IPv4 and IPv6.
 *
 * Active only once *every* member may be: the peer may have been heard on one of them only because
 * of loss on the others. As soon as one is active no more, all resign. Pure.
 *
 * @module
 */

import type { RouterEvent } from "./event.ts";
import { routerState } from "./router.ts";
import type { Router } from "./router.ts";
import { applyEvent } from "./transition.ts";

const promoteEvent: RouterEvent = { type: "group-promote" };
const plannedEvent: RouterEvent = { type: "group-resign", isPlanned: true };
const resignEvent: RouterEvent = { type: "group-resign", isPlanned: false };

function countActive(members: readonly Router[]): number {
  let active = 0;
  for (const member of members) if (member.state === routerState.active) active++;
  return active;
}

function areAllReady(members: readonly Router[]): boolean {
  for (const member of members) {
    if (member.state !== routerState.backup || !member.isReady) return false;
  }
  return true;
}

function applyToAll(members: readonly Router[], event: RouterEvent, nowMs: number): void {
  for (const member of members) applyEvent(member, event, nowMs);
}

function isAnyDraining(members: readonly Router[]): boolean {
  for (const member of members) if (member.drainUntilMs > 0) return true;
  return false;
}

function isForAll({ type }: RouterEvent): boolean {
  return type === "takeover" || type === "standby" || type === "leave";
}

/**
 * Applies an event to one member, and to the others what follows from it. Each member's own list
 * then holds its actions; the driver carries out those of every member. Members are made with
 * `isGrouped`. Time is linear in the number of members; nothing is allocated.
 */
export function groupTransition(
  members: readonly Router[],
  index: number,
  { event, nowMs }: { readonly event: RouterEvent; readonly nowMs: number },
): void {
  for (const member of members) member.actions.count = 0;
  // What an operator says, he says of the whole group.
  if (isForAll(event)) applyToAll(members, event, nowMs);
  else applyEvent(members[index]!, event, nowMs);
  if (areAllReady(members)) applyToAll(members, promoteEvent, nowMs);
  const active = countActive(members);
  // One left, or one could not join: none stays.
  if (active > 0 && active < members.length) {
    applyToAll(members, isAnyDraining(members) ? plannedEvent : resignEvent, nowMs);
  }
}
