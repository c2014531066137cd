/**
 * Numbers and times as people read them, for the page and the command line. Pure.
 *
 * @module
 */

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** At most three figures: `7.3`, `42`, `0`. */
function short(value: number): string {
  return value < 9.95 && value !== Math.round(value) ? value.toFixed(1) : String(Math.round(value));
}

/** Bytes with a decimal unit: `1.5 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${short(value)} ${byteUnits[unit]}`;
}

/** A whole number with a comma at each thousand. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A rate per second with one figure after the point while it is small: `3.4`. */
export function formatRate(perSecond: number): string {
  return perSecond < 9.95 ? short(perSecond) : formatCount(perSecond);
}

/** How long, in the largest unit that says enough: `250 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function formatSpan(spanMs: number): string {
  const ms = Math.max(0, spanMs);
  if (ms < 999.5) return `${short(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  if (seconds < 119.5 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 47.5 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** How long before `nowMs` (ms since 1970) an RFC 3339 time was: `3 s ago`. */
export function formatAgo(time: string, nowMs: number): string {
  return `${formatSpan(nowMs - Date.parse(time))} ago`;
}
