/**
 * What several schedulers ask of candidates: may this one get a connection, in which order do hash
 * tables see them, where is my position after the set has changed. Pure.
 *
 * @module
 */
import type { Candidate } from "./scheduler.ts";

/**
 * The one rule that no scheduler may break: weight above 0, not overloaded, not yet tried.
 * Everything is read live, so that a threshold reached between two updates counts at once.
 */
export function canTake(candidate: Candidate, tried: readonly Candidate[]): boolean {
  if (candidate.weight <= 0 || candidate.isOverloaded) return false;
  // Nearly every pick is a first one; the length is cheaper than a search in an empty array.
  return tried.length === 0 || !tried.includes(candidate);
}

/**
 * New array in the order of the keys, compared by code unit: independent of the locale and of the
 * order of the configuration, so that two directors build the same table.
 */
export function sortedByKey<Keyed extends { readonly key: string }>(
  candidates: readonly Keyed[],
): Keyed[] {
  return candidates.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Candidates by their keys, to carry state over an update. */
export function byKey(candidates: readonly Candidate[]): Map<string, Candidate> {
  return new Map(candidates.map((candidate) => [candidate.key, candidate]));
}

/**
 * Copies one number a candidate from the old set to the new one, matched by key.
 *
 * @param joining Number of a candidate that was not in the old set.
 */
export function carryNumbers(
  from: { readonly candidates: readonly Candidate[]; readonly numbers: Float64Array },
  to: readonly Candidate[],
  joining: number,
): Float64Array {
  const known = new Map(from.candidates.map(({ key }, index) => [key, from.numbers[index]!]));
  return Float64Array.from(to, ({ key }) => known.get(key) ?? joining);
}
