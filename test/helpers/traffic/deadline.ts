/**
 * Waiting with a deadline: for a promise, for a condition, for something to come to rest.
 *
 * @module
 */

/** How long a test waits for what must happen at once; only a failing test waits that long. */
export const deadlineMs = 2500;
const pollMs = 2;

/** The promise's value, or a failure that says what did not happen. */
export async function within<Value>(
  promise: Promise<Value>,
  what: string,
  ms: number = deadlineMs,
): Promise<Value> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

type Unmet = undefined | false;

/** Waits until `read` gives something else than undefined or false. */
export async function until<Value>(
  read: () => Value | Unmet | Promise<Value | Unmet>,
  what: string,
  ms: number = deadlineMs,
): Promise<Value> {
  const endMs = performance.now() + ms;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() >= endMs) throw new Error(`Not within ${ms} ms: ${what}`);
    await Bun.sleep(pollMs);
  }
}

/** Waits until `read` has given the same number for `quietMs`; the number. */
export async function untilStill(read: () => number, quietMs: number): Promise<number> {
  let value = read();
  let sinceMs = performance.now();
  const endMs = sinceMs + deadlineMs;
  while (performance.now() - sinceMs < quietMs) {
    if (performance.now() >= endMs) throw new Error(`Still moving after ${deadlineMs} ms`);
    await Bun.sleep(pollMs * 5);
    const now = read();
    if (now !== value) [value, sinceMs] = [now, performance.now()];
  }
  return value;
}
