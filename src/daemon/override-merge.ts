/**
 * Which of two sets of overrides holds when two directors compare theirs.
 *
 * A set has a revision that each change raises, so the set that was changed last holds as a whole,
 * also for what was taken back in it; no clock takes part. Only where both were changed while they
 * did not hear each other may the revisions be the same: then both are put together. Pure.
 *
 * @module
 */

import { formatOverrides } from "./overrides.ts";
import type { Overrides, ServerOverride } from "./overrides.ts";

/** Overrides, and how often they were changed on either director. */
export interface RevisedOverrides {
  readonly revision: number;
  readonly overrides: Overrides;
}

/** Of two that were said of one server: the later one, then any that both find. */
function laterOf(one: ServerOverride, other: ServerOverride): ServerOverride {
  if (one.at !== other.at) return one.at > other.at ? one : other;
  return JSON.stringify(one) > JSON.stringify(other) ? one : other;
}

function sorted(overrides: Overrides): Overrides {
  return new Map([...overrides].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What holds on both. The first argument itself if it does. */
export function mergeOverrides(own: RevisedOverrides, other: RevisedOverrides): RevisedOverrides {
  if (own.revision !== other.revision) return own.revision > other.revision ? own : other;
  const [ownText, otherText] = [own, other].map((one) => formatOverrides(sorted(one.overrides)));
  if (ownText === otherText) return own;
  const both = new Map(own.overrides);
  for (const [key, override] of other.overrides) {
    const before = both.get(key);
    both.set(key, before === undefined ? override : laterOf(before, override));
  }
  return { revision: own.revision + 1, overrides: sorted(both) };
}
