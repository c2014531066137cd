/**
 * One row of the status block, as its writer sees it.
 *
 * @module
 */

import { advertisementResults, priorityOf, routerState } from "../vrrp/index.ts";
import type { AdvertisementResult, Router } from "../vrrp/index.ts";
import { lastResultWord, rowOf, statusWord } from "./layout.ts";

const indexOfResult: Readonly<Record<string, number>> = Object.fromEntries(
  advertisementResults.map((result, index) => [result, index]),
);

/** Writes the row of one virtual router. */
export class InstanceStatus {
  readonly #words: Float64Array;
  readonly #row: number;

  /** @param words The whole block. */
  constructor(words: Float64Array, slot: number) {
    this.#words = words;
    this.#row = rowOf(slot);
    this.clear();
    this.#set(statusWord.isUsed, 1);
  }

  /** What the router is now. */
  publish(router: Router): void {
    this.#set(statusWord.state, router.state);
    this.#set(statusWord.changedAtMs, router.changedAtMs);
    this.#set(statusWord.lastCause, router.lastCause);
    this.#set(statusWord.blockedBy, router.blockedBy);
    this.#set(statusWord.leaseEndMs, router.leaseEndMs);
    this.#set(statusWord.priority, priorityOf(router));
    this.#set(statusWord.heardAtMs, router.heardAtMs);
    this.#set(statusWord.heardPriority, router.heardPriority);
    this.#set(statusWord.heardFromLength, router.heardFromLength);
    const { heardFrom } = router;
    for (let word = 0; word < 4; word++) {
      const at = word * 4;
      const high = (heardFrom[at]! << 8) | heardFrom[at + 1]!;
      const low = (heardFrom[at + 2]! << 8) | heardFrom[at + 3]!;
      this.#set(statusWord.heardFrom + word, high * 0x1_0000 + low);
    }
    this.#set(statusWord.conflicts, router.conflicts);
    this.#set(statusWord.announcements, router.announcements);
    this.#set(statusWord.drainUntilMs, router.drainUntilMs);
    this.#set(statusWord.isPeerActive, router.peer.state === routerState.active ? 1 : 0);
  }

  countResult(result: AdvertisementResult): void {
    this.#add(statusWord.results + indexOfResult[result]!);
  }

  countSent(): void {
    this.#add(statusWord.sent);
  }

  countTransition(): void {
    this.#add(statusWord.transitions);
  }

  /** How many virtual addresses are on the host. */
  setHeld(count: number): void {
    this.#set(statusWord.addressesHeld, count);
  }

  /** The slot is free. */
  clear(): void {
    for (let word = 0; word <= lastResultWord; word++) this.#set(word, 0);
  }

  #set(word: number, value: number): void {
    this.#words[this.#row + word] = value;
  }

  #add(word: number): void {
    this.#words[this.#row + word]! += 1;
  }
}
