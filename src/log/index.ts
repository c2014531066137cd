/**
 * Log lines: `key=value` with a level, one line an event, to stderr.
 *
 * Under systemd (JOURNAL_STREAM) each line starts with its journald priority `<N>` and carries no
 * time; elsewhere it starts with an RFC 3339 time in UTC. Repeats are held back by a bucket for
 * each event name, and what was held back is counted and told. Secrets are never handed in.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";

/** Importance of a line, the greatest first. */
export type LogLevel = "error" | "warning" | "info" | "debug";
/** What a line says besides its event; undefined values are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One line for each call; `event` is a stable kebab-case name users can grep for. */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

/** Syslog severities, as journald reads them from a `<N>` prefix (sd-daemon(3)). */
const priorities: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, info: 6, debug: 7 };

/** A burst of this many lines of one event passes, then `refillPerSecond` of them. */
const burstLines = 200;
const refillPerSecond = 20;

/** The connection log is never held back: who turns it on for a service wants every line. */
const wholeEvent = "connection";

/** Value in the form `key=value`; quoted when it has blanks, quotes, controls or is empty. */
export function formatValue(value: string | number | boolean): string {
  const text = String(value);
  return /^[^\s"=\\\u0000-\u001f\u007f]+$/.test(text) ? text : JSON.stringify(text);
}

/** `event key=value …`; undefined values are left out. */
export function formatLine(event: string, fields: LogFields = {}): string {
  let line = event;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
  }
  return line;
}

/** What a logger needs: lines below `level` are dropped, `write` gets whole lines. */
export interface LoggerOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly write: (text: string) => void;
  /** Prefix of journald instead of a time. */
  readonly journal: boolean;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
  suppressed: number;
}

/** Creates a logger that drops what is below `level`. */
export function createLogger({ level, clock, write, journal }: LoggerOptions): Logger {
  const buckets = new Map<string, Bucket>();

  /** True if a line of this event may pass now. */
  const take = (event: string): Bucket | undefined => {
    if (event === wholeEvent) return { tokens: 0, filledAtMs: 0, suppressed: 0 };
    const nowMs = clock.nowMs();
    let bucket = buckets.get(event);
    if (bucket === undefined) {
      bucket = { tokens: burstLines, filledAtMs: nowMs, suppressed: 0 };
      buckets.set(event, bucket);
    }
    const earned = ((nowMs - bucket.filledAtMs) / 1000) * refillPerSecond;
    bucket.tokens = Math.min(burstLines, bucket.tokens + earned);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < 1) {
      bucket.suppressed += 1;
      return undefined;
    }
    bucket.tokens -= 1;
    return bucket;
  };

  return {
    log(lineLevel, event, fields) {
      if (priorities[lineLevel] > priorities[level]) return;
      const bucket = take(event);
      if (bucket === undefined) return;
      const held = bucket.suppressed > 0 ? ` suppressed=${bucket.suppressed}` : "";
      bucket.suppressed = 0;
      const head = journal
        ? `<${priorities[lineLevel]}>`
        : `${new Date(clock.wallMs()).toISOString()} ${lineLevel} `;
      write(`${head}${formatLine(event, fields)}${held}\n`);
    },
  };
}
