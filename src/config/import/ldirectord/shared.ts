/**
 * Directives that a virtual service has, and the file as a whole too.
 *
 * @module
 */

import type { AlertStatus, SharedSettings } from "./model.ts";
import { readFallback } from "./server.ts";
import {
  readCount,
  readFlag,
  readInteger,
  readPlain,
  readSeconds,
  readText,
  refuse,
  warn,
} from "./value.ts";
import type { Directive, Reading } from "./value.ts";

/** Reads one directive into `settings`. */
export type DirectiveReader<T> = (settings: T, directive: Directive, reading: Reading) => void;

const alertStatuses = ["starting", "running", "stopping", "reloading"] as const;

function readAlertStatus(
  reading: Reading,
  directive: Directive,
): readonly AlertStatus[] | undefined {
  const words = (directive.value ?? "").split(",").map((word) => word.trim());
  if (words.includes("none")) {
    if (words.length === 1) return [];
    return refuse(reading, directive, "none alone, or other words");
  }
  if (words.includes("all")) return alertStatuses;
  const known = alertStatuses.filter((one) => words.includes(one));
  const isKnown = words.every((word) => alertStatuses.some((one) => one === word));
  if (isKnown) return known;
  const expected = "all, none, or some of starting, running, stopping, reloading";
  return refuse(reading, directive, expected);
}

/** What the value of a directive is read with, by its name; it becomes the setting of that name. */
type SettingReaders<T> = {
  readonly [Key in keyof T]?: (reading: Reading, directive: Directive) => T[Key];
};

/** Readers of directives that set what has their own name. */
export function settingReaders<T extends object>(
  readers: SettingReaders<T>,
): Readonly<Record<string, DirectiveReader<T>>> {
  const found: Record<string, DirectiveReader<T>> = {};
  for (const key in readers) {
    const read = readers[key];
    if (read === undefined) continue;
    found[key] = (settings, directive, reading) => {
      settings[key] = read(reading, directive);
    };
  }
  return found;
}

/** Readers by directive. */
export const sharedReaders = settingReaders<SharedSettings>({
  checktimeout: readSeconds,
  negotiatetimeout: readSeconds,
  checkinterval: readSeconds,
  checkcount(reading, directive) {
    const count = readCount(reading, directive);
    warn(reading, directive, "checkcount is deprecated: failurecount counts for every check");
    return count;
  },
  failurecount: readCount,
  fallback: (reading, directive) => readFallback(reading, directive, 4),
  fallback6: (reading, directive) => readFallback(reading, directive, 6),
  fallbackcommand: readText,
  quiescent: readFlag,
  cleanstop: readFlag,
  emailalert: readText,
  emailalertfreq(reading, directive) {
    return readInteger(reading, directive, { min: 0, max: 999_999_999, what: "seconds" });
  },
  emailalertstatus: readAlertStatus,
  smtp: readPlain,
});

/** Nothing set. */
export function emptyShared(): SharedSettings {
  return {
    checktimeout: undefined,
    negotiatetimeout: undefined,
    checkinterval: undefined,
    checkcount: undefined,
    failurecount: undefined,
    fallback: undefined,
    fallback6: undefined,
    fallbackcommand: undefined,
    quiescent: undefined,
    cleanstop: undefined,
    emailalert: undefined,
    emailalertfreq: undefined,
    emailalertstatus: undefined,
    smtp: undefined,
  };
}
