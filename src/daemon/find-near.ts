/**
 * Search in a list that is in much the same order as another one. Pure.
 *
 * @module
 */

/** The entry nearest to `index` that is meant; undefined if there is none. */
export function findNear<Entry>(
  entries: readonly Entry[],
  index: number,
  isMeant: (entry: Entry) => boolean,
): Entry | undefined {
  const distanceMax = Math.max(index, entries.length - index);
  for (let distance = 0; distance <= distanceMax; distance++) {
    const after = entries[index + distance];
    if (after !== undefined && isMeant(after)) return after;
    const before = entries[index - distance];
    if (before !== undefined && isMeant(before)) return before;
  }
  return undefined;
}
