/**
 * The row of the peer channel in the status block: its writer in the real-time thread, and its
 * reader.
 *
 * @module
 */

import { peerResults } from "../peer/index.ts";
import type { PeerResult, PeerSession } from "../peer/index.ts";
import { peerRow, peerWord } from "./layout.ts";

const indexOfResult: Readonly<Record<string, number>> = Object.fromEntries(
  peerResults.map((result, index) => [result, index]),
);

/** What the link itself knows. */
export interface PeerLinkState {
  readonly heardAtMs: number;
  readonly isReachable: boolean;
  /** Values of `difference`: of the configurations, and of the tables of services. */
  readonly configuration: number;
  readonly tables: number;
  readonly dropped: number;
}

/** Writes the row. */
export class PeerStatusWriter {
  readonly #words: Float64Array;

  /** @param words The whole block. */
  constructor(words: Float64Array) {
    this.#words = words.subarray(peerRow);
  }

  setConfigured(isConfigured: boolean): void {
    this.#words[peerWord.isConfigured] = isConfigured ? 1 : 0;
  }

  publish(session: PeerSession, state: PeerLinkState): void {
    const words = this.#words;
    words[peerWord.isReachable] = state.isReachable ? 1 : 0;
    words[peerWord.heardAtMs] = state.heardAtMs;
    words[peerWord.configuration] = state.configuration;
    words[peerWord.tables] = state.tables;
    words[peerWord.dropped] = state.dropped;
    words[peerWord.boots] = session.boots;
    words[peerWord.roundTripMs] = session.roundTripMs;
    words[peerWord.answeredAtMs] = session.answeredAtMs;
  }

  countSent(hasLeft: boolean): void {
    this.#words[hasLeft ? peerWord.sent : peerWord.unsent]! += 1;
  }

  countUnmatched(): void {
    this.#words[peerWord.unmatched]! += 1;
  }

  countResult(result: PeerResult): void {
    this.#words[peerWord.results + indexOfResult[result]!]! += 1;
  }
}

/** How something of both directors compares. */
export type ComparisonName = "unknown" | "same" | "different";

/** By the value of `difference`. */
const comparisonNames: readonly ComparisonName[] = ["unknown", "same", "different"];

/** The peer channel, as it is now. */
export interface PeerChannelView {
  /** The peer was heard within the dead time. */
  readonly isReachable: boolean;
  /** Since it was heard last, ms; undefined: never. */
  readonly heardAgeMs: number | undefined;
  /** Age of our newest message that it has heard, ms; undefined: it has heard none. */
  readonly answeredAgeMs: number | undefined;
  /** There and back without the time that messages lie there, ms. */
  readonly roundTripMs: number | undefined;
  readonly configuration: ComparisonName;
  /** The tables of services with scheduler mh. */
  readonly tables: ComparisonName;
  /** Starts of the peer that were heard. */
  readonly boots: number;
  readonly sent: number;
  /** Messages that did not leave this host. */
  readonly unsent: number;
  /** Packets that the socket did not take: from strangers, not of the channel, or too many. */
  readonly dropped: number;
  /** Virtual routers in messages of the peer that this director does not have. */
  readonly unmatched: number;
  readonly received: Readonly<Partial<Record<PeerResult, number>>>;
}

/** Reads the row at `nowMs` of the monotonic clock; undefined without a peer. */
export function readPeer(words: Float64Array, nowMs: number): PeerChannelView | undefined {
  const word = (index: number): number => words[peerRow + index]!;
  if (word(peerWord.isConfigured) === 0) return undefined;
  const ageOf = (atMs: number): number | undefined => (atMs > 0 ? nowMs - atMs : undefined);
  const roundTripMs = word(peerWord.roundTripMs);
  const received = peerResults.flatMap((result, index) => {
    const count = word(peerWord.results + index);
    return count === 0 ? [] : [[result, count] as const];
  });
  const compared = (index: number): ComparisonName => comparisonNames[word(index)]!;
  return {
    isReachable: word(peerWord.isReachable) === 1,
    heardAgeMs: ageOf(word(peerWord.heardAtMs)),
    answeredAgeMs: ageOf(word(peerWord.answeredAtMs)),
    roundTripMs: roundTripMs >= 0 ? roundTripMs : undefined,
    configuration: compared(peerWord.configuration),
    tables: compared(peerWord.tables),
    boots: word(peerWord.boots),
    sent: word(peerWord.sent),
    unsent: word(peerWord.unsent),
    dropped: word(peerWord.dropped),
    unmatched: word(peerWord.unmatched),
    received: Object.fromEntries(received),
  };
}
