/**
 * Random numbers from a seed (mulberry32): the same everywhere, so that a failed schedule can be
 * run again.
 *
 * @module
 */

/** A source of random numbers. */
export interface Random {
  /** A number in [min, max). */
  between(min: number, max: number): number;
  /** An integer in [0, count). */
  index(count: number): number;
  /** True with this chance, 0..1. */
  chance(chance: number): boolean;
}

/** A source whose numbers follow from `seed` only. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (min, max) => min + (max - min) * next(),
    index: (count) => Math.floor(next() * count),
    chance: (chance) => chance > 0 && next() < chance,
  };
}
