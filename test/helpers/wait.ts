/**
 * Waiting for something to become true, with a deadline instead of a fixed sleep.
 *
 * @module
 */

/** How long a test waits for what should take milliseconds; generous, since machines stall. */
export const waitTimeoutMs = 10_000;
const pollIntervalMs = 5;

/** What {@link waitFor} may be told. */
export interface WaitOptions {
  /** What is waited for, for the message of the failure. */
  readonly what: string;
  /** Deadline in ms. */
  readonly timeoutMs?: number;
}

/**
 * Asks `condition` again and again until it gives something else than undefined or false.
 *
 * @returns what `condition` gave at last.
 * @throws {Error} at the deadline, with `what` in the message.
 */
export async function waitFor<Value>(
  condition: () => Value | Promise<Value>,
  { what, timeoutMs = waitTimeoutMs }: WaitOptions,
): Promise<Exclude<Value, undefined | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value as Exclude<Value, undefined | false>;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await Bun.sleep(pollIntervalMs);
  }
}
