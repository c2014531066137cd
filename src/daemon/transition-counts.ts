/**
 * How often each virtual router changed its state, by the state it took and the cause. Pure.
 *
 * @module
 */

/** Changes to one state with one cause. */
export interface TransitionCount {
  readonly to: string;
  readonly cause: string;
  readonly count: number;
}

/** Counts of all virtual routers since the director started. States and causes are few. */
export class TransitionCounts {
  readonly #counts = new Map<string, Map<string, TransitionCount>>();

  /** A virtual router changed. */
  note(router: string, to: string, cause: string): void {
    const counts = this.#counts.get(router) ?? new Map<string, TransitionCount>();
    const key = `${to} ${cause}`;
    counts.set(key, { to, cause, count: (counts.get(key)?.count ?? 0) + 1 });
    this.#counts.set(router, counts);
  }

  /** In the order of their first occurrence. */
  of(router: string): readonly TransitionCount[] {
    return [...(this.#counts.get(router)?.values() ?? [])];
  }

  /** Forgets virtual routers that are no more. */
  keepOnly(routers: ReadonlySet<string>): void {
    for (const router of this.#counts.keys()) if (!routers.has(router)) this.#counts.delete(router);
  }
}
