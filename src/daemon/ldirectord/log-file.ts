/**
 * Where lines in ldirectord's form go: a file, a syslog facility, or an output of the process.
 *
 * A file is opened for each batch, so that logrotate(8) may move it at any time. What cannot be
 * written goes to standard error, once until writing works again.
 *
 * @module
 */

import { appendFileSync } from "node:fs";

import { encodeUnixAddress, sendUnixDatagram } from "../../../ffi/notify.ts";
import { errorText } from "../../errors/index.ts";

/** Takes lines. */
export interface LdirectordLog {
  /** Writes them in this order; a line feed within one becomes a blank. */
  write(...texts: readonly string[]): void;
}

/** What a log is made of. */
export interface LdirectordLogOptions {
  /** A path, a syslog facility, or an output of this process. */
  readonly target: string | { readonly output: (text: string) => void };
  /** As in the name of the pid file. */
  readonly configName: string;
  readonly pid: number;
  readonly wallMs: () => number;
  readonly stderr: (text: string) => void;
  /** For tests: takes what would be sent to syslog. */
  readonly sendSyslog?: (message: string) => void;
}

/** Longest text of a line; a reason may hold what a real server has answered. */
const textMax = 2000;

/** Codes of syslog(3); others are taken as `daemon`. */
const facilities: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`local${index}`, 16 + index])),
};

/** Severity `info`, as ldirectord gives it to every line. */
const severity = 6;

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `Sun Nov 22 02:58:50 2026`, local time, as ctime(3). */
export function formatLocalTime(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const day = String(date.getDate()).padStart(2);
  return `${days[date.getDay()]} ${months[date.getMonth()]} ${day} ${time} ${date.getFullYear()}`;
}

/** `<30>Nov 22 02:58:50 ldirectord[123]: text` (RFC 3164). */
export function formatSyslog(
  text: string,
  { facility, pid, wallMs }: { readonly facility: string; readonly pid: number; wallMs: number },
): string {
  const priority = (facilities[facility.toLowerCase().replace(/^log_/, "")] ?? 3) * 8 + severity;
  const [, month, day, time] = /^\w+ (\w+) (..) ([\d:]+)/.exec(formatLocalTime(wallMs))!;
  return `<${priority}>${month} ${day} ${time} ldirectord[${pid}]: ${text}`;
}

function sendToSyslog(message: string): void {
  const address = encodeUnixAddress("/dev/log");
  if (address !== undefined) sendUnixDatagram(address, new TextEncoder().encode(message));
}

/** Opens nothing yet. */
export function createLdirectordLog(options: LdirectordLogOptions): LdirectordLog {
  const { target, configName, pid, wallMs, stderr, sendSyslog = sendToSyslog } = options;
  let isBroken = false;

  const put = (texts: readonly string[]): void => {
    const now = formatLocalTime(wallMs());
    if (typeof target !== "string") {
      target.output(texts.map((text) => `[${now}] ${text}\n`).join(""));
    } else if (target.startsWith("/")) {
      const lines = texts.map((text) => `[${now}|${configName}|${pid}] ${text}\n`);
      appendFileSync(target, lines.join(""), { mode: 0o644 });
    } else {
      for (const text of texts) {
        sendSyslog(formatSyslog(text, { facility: target, pid, wallMs: wallMs() }));
      }
    }
  };

  return {
    write(...texts) {
      if (texts.length === 0) return;
      try {
        put(texts.map((text) => text.replaceAll(/[\n\r]+/g, " ").slice(0, textMax)));
        isBroken = false;
      } catch (error) {
        const where = typeof target === "string" ? target : "an output of this process";
        if (!isBroken) stderr(`Cannot log to ${where}: ${errorText(error)}\n`);
        isBroken = true;
      }
    },
  };
}
