/**
 * Values of a keepalived.conf: timers, numbers, addresses, programs. Pure.
 *
 * @module
 */

import {
  canonicalAddress,
  familyOf,
  formatAddress,
  formatEndpoint,
  parseAddress,
} from "../../../net/address.ts";
import { formatDuration } from "../../duration.ts";
import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import type { Directive } from "./tree.ts";

/** Range of a number, both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Second word of a directive as a whole number; undefined after a warning. */
export function readInteger(
  directive: Directive,
  { min, max }: Range,
  notes: Notes,
): number | undefined {
  const [keyword, text = ""] = directive.words;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  notes.warn(
    directive,
    `${keyword} is left out: expected a number ${min}..${max}, got ${quoted(text)}`,
  );
  return undefined;
}

/** Second word of a directive, seconds and parts of them, in ms; undefined after a warning. */
export function readTimer(
  directive: Directive,
  { min, max }: Range,
  notes: Notes,
): number | undefined {
  const [keyword, text = ""] = directive.words;
  const isNumber = /^\d{1,10}(?:\.\d{0,9})?$|^\.\d{1,9}$/.test(text);
  const timeMs = isNumber ? Math.round(Number(text) * 1000) : NaN;
  if (timeMs >= min && timeMs <= max) return timeMs;
  const range = `seconds, ${formatDuration(min)} to ${formatDuration(max)}`;
  notes.warn(directive, `${keyword} is left out: expected ${range}, got ${quoted(text)}`);
  return undefined;
}

/** Words of a program as keepalived splits them: blanks, and quotes of both kinds. */
export function splitCommand(text: string): readonly string[] {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s"'\\]|\\[^]|"(?:[^"\\]|\\[^])*"|'[^']*')+)|\s*([^\s])/gy;
  for (const [, word, stray] of text.matchAll(pattern)) words.push(unquote(word ?? stray!));
  return words;
}

function unquote(word: string): string {
  return word.replace(/"((?:[^"\\]|\\[^])*)"|'([^']*)'|\\([^])/g, (whole: string) => {
    if (whole.startsWith("\\")) return whole.slice(1);
    const inner = whole.slice(1, -1);
    return whole.startsWith("'") ? inner : inner.replace(/\\([^])/g, "$1");
  });
}

const wordCharactersMax = 4096;
const commandWordsMax = 200;

/** Program of a directive (`KEYWORD PROGRAM [USER [GROUP]]`); undefined after a warning. */
export function readCommand(directive: Directive, notes: Notes): readonly string[] | undefined {
  const [keyword, text = "", ...user] = directive.words;
  const words = text.length > wordCharactersMax ? [] : splitCommand(text);
  const isPath = /^\/[^\p{Cc}]+$/u.test(words[0] ?? "");
  if (!isPath || words.length > commandWordsMax) {
    const found = quoted(text);
    notes.warn(directive, `${keyword} is left out: expected an absolute path, got ${found}`);
    return undefined;
  }
  if (user.length > 0) {
    const message = `${keyword} runs as script_user, not as ${quoted(user.join(" "))}`;
    notes.warn(directive, message);
  }
  return words;
}

/** A program as native text, or a list if it has arguments or blanks. */
export function formatCommand(words: readonly string[]): string | readonly string[] {
  return words.length === 1 && !/\s/.test(words[0]!) ? words[0]! : words;
}

/** A program as one line for a shell that changes nothing of it. */
export function shellLine(words: readonly string[]): string {
  return words
    .map((word) =>
      /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(" ");
}

/** Addresses of one entry of a group at most: a range of the last byte, or a little more. */
const rangeAddressesMax = 1024;

/** `192.0.2.1` or `192.0.2.1-10`, `2001:db8::1-a`; undefined if it is neither. */
export function expandRange(text: string): readonly string[] | undefined {
  const [firstText, lastText, ...rest] = text.split("-");
  const bytes = parseAddress(firstText!);
  if (bytes === undefined || rest.length > 0) return undefined;
  if (lastText === undefined) return [formatAddress(bytes)];
  const isIpv4 = bytes.length === 4;
  const digits = isIpv4 ? /^\d{1,3}$/ : /^[\da-f]{1,4}$/i;
  if (!digits.test(lastText)) return undefined;
  const last = Number.parseInt(lastText, isIpv4 ? 10 : 16);
  const first = isIpv4 ? bytes[3]! : bytes[14]! * 256 + bytes[15]!;
  if (last < first || last > (isIpv4 ? 255 : 65_535) || last - first >= rangeAddressesMax) {
    return undefined;
  }
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const own = Uint8Array.from(bytes);
    if (!isIpv4) own[14] = (first + index) >> 8;
    own[own.length - 1] = (first + index) & 255;
    return formatAddress(own);
  });
}

/** A port, or a range of ports `80-90`; "0" stands for all. */
export function readPort(text: string): string | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > last || last > 65_535 || (first === 0 && last > 0)) return undefined;
  return first === last ? String(first) : `${first}-${last}`;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80-90`. */
export function formatListen(address: string, port: string): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Where a real server is; the port is undefined if it is that of the service. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number | undefined;
}

/** `ADDRESS [PORT]` of a real server; undefined if it is no address or name of one. */
export function readServer(host: string, portText: string | undefined): ServerAddress | undefined {
  const canonical = canonicalAddress(host) ?? (isName(host) ? host.toLowerCase() : undefined);
  if (canonical === undefined || canonical === "0.0.0.0" || canonical === "::") return undefined;
  if (portText === undefined || portText === "0") return { host: canonical, port: undefined };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  return port >= 1 && port <= 65_535 ? { host: canonical, port } : undefined;
}

function isName(text: string): boolean {
  return text.length <= 253 && /^(?:\w[\w-]{0,61}\w?\.)*[a-z_](?:[\w-]{0,61}\w)?$/i.test(text);
}

/** As `real_servers` and `fallback` have it. */
export function formatServer({ host, port }: ServerAddress): string {
  return port === undefined ? host : formatEndpoint({ address: host, port });
}
