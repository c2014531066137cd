/**
 * When keepalived checks, and how often before a server is down, to `interval`, `fast_interval`
 * and `fall`. What a virtual server says holds for its real servers, and theirs for their checks.
 * Pure.
 *
 * @module
 */

import { formatDuration } from "../../duration.ts";
import type { NativeTable } from "../../native.ts";
import type { Notes } from "../notes.ts";
import type { Handlers } from "./block.ts";
import type { Directive } from "./tree.ts";
import { readInteger, readTimer } from "./value.ts";

/** Times of one level; what is undefined is inherited. */
export interface Timing {
  intervalMs?: number | undefined;
  retries?: number | undefined;
  retryDelayMs?: number | undefined;
}

/** Default of keepalived. */
const intervalMsDefault = 60_000;

const intervalRange = { min: 10, max: 86_400_000 };
/** `fall` is one more, and at most 1000. */
const retriesRange = { min: 0, max: 999 };

/** Handlers that write into `timing`. */
export function timingHandlers(timing: Timing, notes: Notes): Handlers {
  const retry = (one: Directive): void => {
    timing.retries = readInteger(one, retriesRange, notes) ?? timing.retries;
  };
  return {
    delay_loop(one) {
      timing.intervalMs = readTimer(one, intervalRange, notes) ?? timing.intervalMs;
    },
    delay_before_retry(one) {
      timing.retryDelayMs =
        readTimer(one, { ...intervalRange, min: 0 }, notes) ?? timing.retryDelayMs;
    },
    retry,
    nb_get_retry: retry,
  };
}

/** Retries that a kind of check has in keepalived unless something else is written. */
export interface RetryDefaults {
  readonly retries: number;
  readonly retryDelayMs: number;
}

/** What {@link formatTiming} goes by. */
export interface TimingOptions extends RetryDefaults {
  /** Tells of a time that cannot be kept. */
  readonly warn: (message: string) => void;
}

/**
 * Native times of a check. keepalived takes a server out after the first failure and all retries.
 */
export function formatTiming(
  timing: Timing,
  timeoutMs: number | undefined,
  { retries, retryDelayMs, warn }: TimingOptions,
): NativeTable {
  const intervalMs = timing.intervalMs ?? intervalMsDefault;
  const delayMs = timing.retryDelayMs ?? retryDelayMs;
  if (delayMs > intervalMs && (timing.retries ?? retries) > 0) {
    warn(
      `delay_before_retry of ${formatDuration(delayMs)} is longer than delay_loop: ` +
        `failures are followed up after ${formatDuration(intervalMs)}`,
    );
  }
  return {
    interval: formatDuration(intervalMs),
    timeout: formatDuration(timeoutMs ?? intervalMs),
    fall: (timing.retries ?? retries) + 1,
    fast_interval: formatDuration(Math.min(Math.max(delayMs, intervalRange.min), intervalMs)),
  };
}
