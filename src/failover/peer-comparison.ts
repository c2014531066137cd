/**
 * Whether two directors have the same (configuration, tables), told once a difference lasts: a
 * reload happens on one of them first, and each checks real servers for itself. Pure.
 *
 * @module
 */

/** A difference is told after this time, ms: both are reloaded by hand or by a program. */
const patienceMs = 5000;

/** What is known: nothing yet, the same, or different. */
export const difference = { unknown: 0, same: 1, different: 2 } as const;

/** Compares digests over time. */
export class PeerComparison {
  /** A value of {@link difference}; changes at once. */
  difference: number = difference.unknown;
  /** What was told last; that all is well need not be told at first. */
  #told = true;
  #sinceMs = Infinity;

  /** Another peer: nothing is known of it. */
  forget(): void {
    this.difference = difference.unknown;
    this.#told = true;
    this.#sinceMs = Infinity;
  }

  /**
   * Two digests, zero for unknown.
   *
   * @returns What is to be told: true for the same again, false for different; mostly undefined.
   */
  look(own: Uint32Array, other: Uint32Array, nowMs: number): boolean | undefined {
    const isKnown = (own[0] !== 0 || own[1] !== 0) && (other[0] !== 0 || other[1] !== 0);
    if (!isKnown) {
      this.difference = difference.unknown;
      this.#sinceMs = Infinity;
      return undefined;
    }
    const isSame = own[0] === other[0] && own[1] === other[1];
    this.difference = isSame ? difference.same : difference.different;
    this.#sinceMs = isSame ? Infinity : Math.min(this.#sinceMs, nowMs);
    if (isSame === this.#told || (!isSame && nowMs - this.#sinceMs < patienceMs)) return undefined;
    this.#told = isSame;
    return isSame;
  }
}
