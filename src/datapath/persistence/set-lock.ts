/**
 * Locks in shared memory, one 32-bit word each, held for well below a microsecond: a bounded spin,
 * then a bounded sleep (the three states are those of Drepper, "Futexes Are Tricky", section 5).
 *
 * A holder never waits for anything and never throws, so a lock is only held long if the kernel
 * takes the holder off its core. Whoever waits gives up after some ms rather than stop a thread
 * that has ten thousand connections to serve.
 *
 * @module
 */

const free = 0;
const held = 1;
/** Held, and somebody sleeps: the holder has to wake one. */
const awaited = 2;

/** Some µs: longer than any holder that runs. */
const spinsMax = 1000;

/** One sleep. It ends early when the holder wakes us; this bounds what a lost wake-up costs. */
const sleepMs = 1;

/** Sleeps until a data-path thread gives up, and until maintenance does (10 s: it is a bug). */
export const patience = { dataPath: 20, maintenance: 10_000 } as const;

function spin(locks: Int32Array, index: number): boolean {
  for (let turn = 0; turn < spinsMax; turn++) {
    if (Atomics.load(locks, index) !== free) continue;
    if (Atomics.compareExchange(locks, index, free, held) === free) return true;
  }
  return false;
}

/**
 * Takes a lock; the caller must {@link unlock} it and must not take a second one meanwhile.
 *
 * @param sleepsMax How often to sleep a ms; one of {@link patience}.
 * @returns False if it gave up: the lock is not held.
 */
export function lock(locks: Int32Array, index: number, sleepsMax: number): boolean {
  if (Atomics.compareExchange(locks, index, free, held) === free) return true;
  if (spin(locks, index)) return true;
  for (let sleep = 0; sleep < sleepsMax; sleep++) {
    // Taken as `awaited`, not `held`: others may sleep too, and this holder has to wake them.
    if (Atomics.exchange(locks, index, awaited) === free) return true;
    Atomics.wait(locks, index, awaited, sleepMs);
  }
  return false;
}

/** Gives a lock back and wakes one sleeper if there is one. */
export function unlock(locks: Int32Array, index: number): void {
  if (Atomics.exchange(locks, index, free) === awaited) Atomics.notify(locks, index, 1);
}
