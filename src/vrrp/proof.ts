/**
 * Proof that this node is not the one that is cut off: a ping witness that was asked after the
 * active director fell silent, and answered.
 *
 * What was known before the silence does not count where a witness is required: pings are a second
 * apart, and a dead time may be much shorter. So the driver is told to ask now, and the answer
 * names the silence it was asked in. Pure.
 *
 * @module
 */

import { action, pushAction } from "./action.ts";
import { override } from "./event.ts";
import type { Router } from "./router.ts";

/** The active director was heard: an answer under way proves nothing of its next silence. */
export function endProof(router: Router): void {
  if (router.askedRound !== router.round && router.provenRound !== router.round) return;
  router.round++;
}

/** True if silence alone is not enough to take over yet. */
export function lacksProof(router: Router): boolean {
  if (router.options.witness !== "require" || router.override === override.force) return false;
  // Who hears a resignation is not cut off.
  return !router.isHandover && router.provenRound !== router.round;
}

/** Has the witnesses asked, once a silence. */
export function askForProof(router: Router): void {
  if (router.askedRound === router.round) return;
  router.askedRound = router.round;
  pushAction(router.actions, action.askWitness, router.round);
}

/** A witness answered a question of this round. @returns True if that was waited for. */
export function takeProof(router: Router, round: number): boolean {
  if (round !== router.round || router.askedRound !== round) return false;
  router.provenRound = round;
  return true;
}
