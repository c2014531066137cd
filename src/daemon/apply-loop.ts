/**
 * Brings changes into force: many within one turn of the loop make one run, runs never overlap,
 * and what could not be done is tried again.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";

/** Wait before another try after a run that was not complete: a port may become free. */
const retryMs = 5000;

/** A run: true if it did all there was to do. */
export type ApplyRun = () => Promise<boolean>;

/** See the module's head. */
export interface ApplyLoop {
  /** Asks for a run after this turn of the loop. */
  request(): void;
  /** Settles when all that was requested before has been run. */
  settled(): Promise<void>;
  /** No run starts any more; settles when the one under way has ended. */
  close(): Promise<void>;
}

/** @param run Must not reject. */
export function createApplyLoop(clock: Clock, run: ApplyRun): ApplyLoop {
  let isRequested = false;
  let isClosed = false;
  let retry: Timer | undefined;
  let running: Promise<void> | undefined;

  const mayRun = (): boolean => isRequested && !isClosed;

  const work = async (): Promise<void> => {
    // Lets everything of this turn arrive first.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (mayRun()) {
      isRequested = false;
      retry?.cancel();
      retry = undefined;
      const isComplete = await run();
      if (!isComplete && !isClosed) retry = clock.after(retryMs, request);
    }
    running = undefined;
  };

  function request(): void {
    if (isClosed) return;
    isRequested = true;
    running ??= work();
  }

  return {
    request,
    settled: () => running ?? Promise.resolve(),
    async close() {
      isClosed = true;
      retry?.cancel();
      await running;
    },
  };
}
