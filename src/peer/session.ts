/**
 * One director's end of the peer channel: what is new and from the living peer, without any clock.
 *
 * Each start of a director has a boot id, each of its messages a higher sequence. Of the boot that
 * was proven last only higher sequences count. A boot that is not known is challenged: the next
 * messages carry a nonce made for it, and its messages count once one brings that nonce back. The
 * nonce is used once, so nothing that was recorded before it was made ever counts. Pure: random
 * numbers are handed in.
 *
 * @module
 */

import { decodePeerMessage, encodePeerMessage, judgeEnvelope, keyTagOf } from "./codec.ts";
import type { PeerMac } from "./mac.ts";
import {
  copyId,
  createPeerMessage,
  isNoId,
  isSameId,
  macBytes,
  peerMessageBytesMax,
} from "./message.ts";
import type { PeerMessage } from "./message.ts";
import type { PeerResult } from "./result.ts";

/** Messages of which is remembered when they were sent, to know how long an answer takes. */
const sentMax = 256;

/** What another process of the same host needs to go on with a conversation. */
export interface CarriedSession {
  readonly boot: readonly number[];
  readonly echo: readonly number[];
  readonly provenBoot: readonly number[];
  readonly challenge: readonly number[];
  readonly isEchoProven: boolean;
  readonly sequence: number;
  readonly highest: number;
  readonly highestAtMs: number;
  readonly boots: number;
  readonly sentAtMs: readonly number[];
}

/** Fills a list of words with random numbers that nobody can guess. */
export type FillRandom = (words: Uint32Array) => void;

/** Belongs to one thread; lives as long as that thread does, over changes of keys and address. */
export class PeerSession {
  /** What is sent next; the caller fills in all but ids, sequence and what was heard. */
  readonly outgoing: PeerMessage = createPeerMessage();
  /** The last message that {@link open} accepted, until the next call. */
  readonly incoming: PeerMessage = createPeerMessage();
  /** What {@link seal} wrote. */
  readonly bytes = new Uint8Array(peerMessageBytesMax);
  /** Boots of the peer that were proven. */
  boots = 0;
  /** From a message of ours to the peer's answer, without the time it lay there; -1: unknown. */
  roundTripMs = -1;
  /** When the newest message that the peer has heard was sent; -Infinity if none. */
  answeredAtMs = -Infinity;
  readonly #random: FillRandom;
  readonly #provenBoot = new Uint32Array(2);
  #highest = 0;
  #highestAtMs = 0;
  /** The nonce that an unknown boot must bring back; zero if none is challenged. */
  readonly #challenge = new Uint32Array(2);
  /** True if the nonce in `outgoing.echo` is of the proven boot. */
  #isEchoProven = false;
  #sequence = 0;
  readonly #sentAtMs = new Float64Array(sentMax);

  constructor(random: FillRandom) {
    this.#random = random;
    this.#randomId(this.outgoing.boot);
  }

  /** Another director is the peer now: nothing that was heard counts any more. */
  forget(): void {
    this.#provenBoot.fill(0);
    this.#challenge.fill(0);
    this.outgoing.echo.fill(0);
    this.#isEchoProven = false;
    this.#highest = 0;
    this.roundTripMs = -1;
    this.answeredAtMs = -Infinity;
  }

  /** All of it, for another process to go on with. */
  carry(): CarriedSession {
    return {
      boot: [...this.outgoing.boot],
      echo: [...this.outgoing.echo],
      provenBoot: [...this.#provenBoot],
      challenge: [...this.#challenge],
      isEchoProven: this.#isEchoProven,
      sequence: this.#sequence,
      highest: this.#highest,
      highestAtMs: this.#highestAtMs,
      boots: this.boots,
      sentAtMs: [...this.#sentAtMs],
    };
  }

  /** Goes on as the boot of another process: the peer must not notice. */
  adopt(carried: CarriedSession): void {
    this.outgoing.boot.set(carried.boot);
    this.outgoing.echo.set(carried.echo);
    this.#provenBoot.set(carried.provenBoot);
    this.#challenge.set(carried.challenge);
    this.#isEchoProven = carried.isEchoProven;
    this.#sequence = carried.sequence;
    this.#highest = carried.highest;
    this.#highestAtMs = carried.highestAtMs;
    this.boots = carried.boots;
    this.#sentAtMs.set(carried.sentAtMs.slice(0, sentMax));
  }

  /** Signs {@link outgoing} into {@link bytes}. @returns Its length. */
  seal(mac: PeerMac, nowMs: number): number {
    const { outgoing } = this;
    this.#sequence += 1;
    this.#sentAtMs[this.#sequence % sentMax] = nowMs;
    outgoing.sequence = this.#sequence;
    copyId(outgoing.nonce, this.#challenge);
    outgoing.heardSequence = this.#highest;
    outgoing.heldUs = this.#highest === 0 ? 0 : (nowMs - this.#highestAtMs) * 1000;
    return mac.sign(this.bytes, encodePeerMessage(outgoing, mac.tag, this.bytes));
  }

  /** Judges the first `length` bytes; if they are accepted, {@link incoming} holds them. */
  open(bytes: Uint8Array, length: number, { mac, nowMs }: OpenContext): PeerResult {
    const envelope = judgeEnvelope(bytes, length);
    if (envelope !== "accepted") return envelope;
    const signed = mac.verify(bytes, length - macBytes, keyTagOf(bytes));
    if (signed !== "accepted") return signed;
    if (!decodePeerMessage(bytes, this.incoming)) return "malformed";
    const { boot, sequence, nonce } = this.incoming;
    if (isSameId(boot, this.outgoing.boot)) return "own-message";
    if (!isSameId(boot, this.#provenBoot)) {
      if (!this.#isProof()) return this.#challengeBoot();
      copyId(this.#provenBoot, boot);
      this.#challenge.fill(0);
      this.boots += 1;
      this.#highest = 0;
    }
    if (sequence <= this.#highest) return "replayed";
    this.#highest = sequence;
    this.#highestAtMs = nowMs;
    copyId(this.outgoing.echo, nonce);
    this.#isEchoProven = !isNoId(nonce);
    this.#measure(nowMs);
    return "accepted";
  }

  #isProof(): boolean {
    return !isNoId(this.#challenge) && isSameId(this.incoming.echo, this.#challenge);
  }

  /** An unknown boot must show that it hears us; and it wants to know the same of us. */
  #challengeBoot(): PeerResult {
    if (isNoId(this.#challenge)) this.#randomId(this.#challenge);
    // Somebody may play old messages back: they must not crowd out the nonce of the living peer.
    if (!this.#isEchoProven) copyId(this.outgoing.echo, this.incoming.nonce);
    return "unproven";
  }

  #measure(nowMs: number): void {
    const { heardSequence, heldUs } = this.incoming;
    const age = this.#sequence - heardSequence;
    // Of another boot of ours, or too long ago.
    if (heardSequence === 0 || age < 0 || age >= sentMax) return;
    this.answeredAtMs = this.#sentAtMs[heardSequence % sentMax]!;
    this.roundTripMs = Math.max(0, nowMs - this.answeredAtMs - heldUs / 1000);
  }

  #randomId(id: Uint32Array): void {
    do this.#random(id);
    while (isNoId(id));
  }
}

/** What {@link PeerSession.open} needs beside the bytes. */
export interface OpenContext {
  readonly mac: PeerMac;
  /** When they came; for measurements only. */
  readonly nowMs: number;
}
