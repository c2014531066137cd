/**
 * Parameters of a keepalived.conf: `$NAME=VALUE`, used as `$NAME` or `${NAME}`. Bounded: values
 * that are made of values do not grow without end.
 *
 * @module
 */

/** Longest value and longest word after replacement. */
const valueCharactersMax = 1024;

/** How often a value may be made of another one, as keepalived replaces when a value is used. */
const passesMax = 4;

const referencePattern = /\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}|\$([A-Za-z_]\w*)/g;

/** Values by name. */
export type Macros = Map<string, string>;

/** A word with its parameters replaced. */
export interface Expanded {
  readonly text: string;
  /** Names without a value; they stay as they are, or as their shell default `${NAME:-text}`. */
  readonly missing: readonly string[];
}

/** Replaces the parameters of a word; what has no value stays, as in keepalived. */
export function expandMacros(word: string, macros: Macros): Expanded {
  if (!word.includes("$") || word.length > valueCharactersMax) return { text: word, missing: [] };
  const missing = new Set<string>();
  let text = word;
  for (let pass = 0; pass < passesMax && text.includes("$"); pass++) {
    let grown = text.length;
    const next = text.replace(
      referencePattern,
      (whole: string, ...groups: readonly (string | undefined)[]) => {
        const [braced, fallback, bare] = groups;
        const name = braced ?? bare!;
        const value = macros.get(name);
        if (value === undefined) missing.add(name);
        grown += value?.length ?? 0;
        return grown > valueCharactersMax ? whole : (value ?? fallback ?? whole);
      },
    );
    if (next === text) break;
    text = next;
  }
  return { text, missing: [...missing] };
}
