/**
 * One after the other: tasks that must not overlap.
 *
 * @module
 */

/** Runs tasks in the order in which they come. */
export interface Serial {
  /**
   * Runs `task` when all before it have ended.
   *
   * @returns Undefined, at once, if too many wait already.
   */
  run<Result>(task: () => Promise<Result>): Promise<Result> | undefined;
}

/** @param waitingMax Tasks that may wait or run at a time. */
export function createSerial(waitingMax: number): Serial {
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;
  return {
    run(task) {
      if (count >= waitingMax) return undefined;
      count += 1;
      const result = last.then(task);
      last = result
        .catch(() => undefined)
        .then(() => {
          count -= 1;
        });
      return result;
    },
  };
}
