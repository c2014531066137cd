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

/** Readers by directive. */
export const sharedReaders: Readonly<Record<string, DirectiveReader<SharedSettings>>> = {
  checktimeout(settings, directive, reading) {
    settings.checktimeout = readSeconds(reading, directive);
  },
  negotiatetimeout(settings, directive, reading) {
    settings.negotiatetimeout = readSeconds(reading, directive);
  },
  checkinterval(settings, directive, reading) {
    settings.checkinterval = readSeconds(reading, directive);
  },
  checkcount(settings, directive, reading) {
    settings.checkcount = readCount(reading, directive);
    warn(reading, directive, "checkcount is deprecated: failurecount counts for every check");
  },
  failurecount(settings, directive, reading) {
    settings.failurecount = readCount(reading, directive);
  },
  fallback(settings, directive, reading) {
    settings.fallback = readFallback(reading, directive, 4);
  },
  fallback6(settings, directive, reading) {
    settings.fallback6 = readFallback(reading, directive, 6);
  },
  fallbackcommand(settings, directive, reading) {
    settings.fallbackcommand = readText(reading, directive);
  },
  quiescent(settings, directive, reading) {
    settings.quiescent = readFlag(reading, directive);
  },
  cleanstop(settings, directive, reading) {
    settings.cleanstop = readFlag(reading, directive);
  },
  emailalert(settings, directive, reading) {
    settings.emailalert = readText(reading, directive);
  },
  emailalertfreq(settings, directive, reading) {
    const range = { min: 0, max: 999_999_999, what: "seconds" };
    settings.emailalertfreq = readInteger(reading, directive, range);
  },
  emailalertstatus(settings, directive, reading) {
    settings.emailalertstatus = readAlertStatus(reading, directive);
  },
  smtp(settings, directive, reading) {
    settings.smtp = readPlain(reading, directive);
  },
};

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
