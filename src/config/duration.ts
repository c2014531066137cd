/**
 * Durations as text: a whole number and a unit, `500ms`, `2s`, `10m`, `1h`, `1d`. Pure.
 *
 * @module
 */

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Longest duration: timers of the runtime hold 2^31 - 1 ms, which is a little more. */
export const durationMsMax = 24 * 86_400_000;

/** Milliseconds of `500ms`, `2s`, `10m`, `1h`, `1d`; undefined if `text` is no such duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,10})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const durationMs = Number(match[1]) * unitsMs[match[2]!]!;
  return durationMs > durationMsMax ? undefined : durationMs;
}

/** The same duration in its largest whole unit; `0s` for 0. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  let text = `${durationMs}ms`;
  for (const [unit, unitMs] of Object.entries(unitsMs)) {
    if (durationMs % unitMs === 0) text = `${durationMs / unitMs}${unit}`;
  }
  return text;
}
