/**
 * "Did you mean": the known word nearest to a misspelt one. Pure.
 *
 * @module
 */

/** Words longer than this are nobody's slip of the pen. */
const charactersMax = 64;

/** Words shorter than this are parts of too many others. */
const partCharactersMin = 5;

/**
 * The nearest of `known`: at most a third of its letters wrong, else one that holds the word or is
 * held by it. Undefined if none is near. Case, `-` and `_` do not count.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > charactersMax) return undefined;
  const plainWord = plain(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(plainWord, plain(candidate));
    if (distance < bestDistance && distance * 3 <= candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? relative(plainWord, known);
}

/** `timeout` of `timeouts`, `servers` of `real_servers`, `check` of `checkinterval`. */
function relative(plainWord: string, known: Iterable<string>): string | undefined {
  for (const candidate of known) {
    const other = plain(candidate);
    const [short, long] = other.length < plainWord.length ? [other, plainWord] : [plainWord, other];
    if (short.length >= partCharactersMin && long.includes(short)) return candidate;
  }
  return undefined;
}

/** `did you mean "x"?` for a note; undefined if no known word is near. */
export function suggestNote(word: string, known: Iterable<string>): string | undefined {
  const nearest = suggest(word, known);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Insertions, deletions, replacements and swaps of neighbours between two short words. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
