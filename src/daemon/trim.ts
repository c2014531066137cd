/**
 * Gives back what only the start needed: pages of the executable's code.
 *
 * A compiled executable is over 100 MB of mostly idle code. Starting up runs through some 30 MB
 * of it once, and the kernel keeps those pages in the process until memory is short. Code is never
 * written to, so the program may let go of it at any time; what still runs is mapped again from
 * the page cache at its next use, 64 KiB at a time (docs/decisions/0010).
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { fileMappings, forgetCleanPages } from "../../ffi/memory.ts";
import type { Clock, Timer } from "../clock/index.ts";

/** Wait after the start: checks, page and workers have run their code by then. */
const firstTrimMs = 2000;
/** Rare enough to cost nothing, often enough that a burst of traffic or commands leaves nothing. */
const trimIntervalMs = 15_000;

/** Lets go of all program code of this process. */
export function trimCode(): void {
  const maps = readFileSync("/proc/self/maps", "latin1");
  for (const { start, bytes } of fileMappings(maps, "code")) {
    // A refusal (locked pages) only means that memory stays as it is.
    forgetCleanPages(start, bytes);
  }
}

/** Trims soon after the start and then now and again. @returns How to stop it. */
export function keepTrimmed(clock: Clock, trim: () => void = trimCode): () => void {
  let timer: Timer;
  const run = (): void => {
    trim();
    timer = clock.after(trimIntervalMs, run);
  };
  timer = clock.after(firstTrimMs, run);
  return () => timer.cancel();
}
