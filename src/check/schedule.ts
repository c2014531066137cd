/**
 * When the next check of a real server starts. Pure.
 *
 * Each check has a phase within its interval, always the same for the same check, so that the
 * checks of many servers spread evenly and stay so over reloads and restarts.
 *
 * @module
 */

/** Starts of the checks of a first pass are this far apart: 10,000 of them take one second. */
const firstPassGapMs = 0.1;

/** What {@link nextStartMs} needs; monotonic times and durations in ms. */
export interface ScheduleInput {
  readonly nowMs: number;
  /** When the check that has just ended was started. */
  readonly startedAtMs: number;
  readonly intervalMs: number;
  /** 0 to `intervalMs`. */
  readonly phaseMs: number;
}

/**
 * The next start in turn: in phase, not in the past, and at least half an interval after the last
 * start, which may have been out of turn.
 */
export function nextStartMs(input: ScheduleInput): number {
  const { nowMs, startedAtMs, intervalMs, phaseMs } = input;
  const earliestMs = Math.max(nowMs, startedAtMs + intervalMs / 2);
  const turns = Math.floor((earliestMs - phaseMs) / intervalMs) + 1;
  return turns * intervalMs + phaseMs;
}

/** Start of the check with this place among those that are new, ms from now: soon, one by one. */
export function firstStartDelayMs(place: number): number {
  return place * firstPassGapMs;
}
