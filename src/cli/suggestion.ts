/**
 * The word that was probably meant. Pure.
 *
 * @module
 */

/** More wrong letters than this are another word. */
const distanceMax = 2;
/** Nobody misspells something longer. */
const charactersMax = 40;

/** Letters to insert, drop or replace to make `b` of `a` (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let index = 0; index < a.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= b.length; column++) {
      const replace = row[column - 1]! + (a[index] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replace, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The nearest of `known`, or the only one that starts with `word`; undefined if none is near. */
export function suggestWord(word: string, known: readonly string[]): string | undefined {
  if (word.length > charactersMax) return undefined;
  const started = known.filter((one) => word.length > 1 && one.startsWith(word));
  if (started.length === 1) return started[0];
  const near = known
    .map((one) => ({ one, far: distance(word, one) }))
    .filter(({ one, far }) => far <= distanceMax && far < one.length / 2)
    .toSorted((a, b) => a.far - b.far);
  return near[0]?.one;
}

/** ` (did you mean "x"?)`, or nothing; to be added to a message. */
export function suggestNote(word: string, known: readonly string[]): string {
  const suggestion = suggestWord(word, known);
  return suggestion === undefined ? "" : ` (did you mean "${suggestion}"?)`;
}
