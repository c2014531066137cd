/**
 * Values of directives: numbers, words and texts as ldirectord takes them from a line, sloppy
 * where it is, so that what it accepts means the same here. Pure, but for the journal.
 *
 * @module
 */

import { alternatives } from "../../schema/index.ts";
import { suggestNote } from "../../suggest.ts";
import type { HostTable } from "./host.ts";
import { tellProblem, tellWarning } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { PortTable } from "./service.ts";

/** What directives are read with. */
export interface Reading {
  readonly journal: Journal;
  readonly ports: PortTable;
  readonly hosts: HostTable;
  /** Name of this host, for the logins that ldirectord makes up. */
  readonly hostName: string;
  /** Real servers that may still be read: ranges are short to write. */
  realsLeft: number;
}

/** One `key = value` of a file. */
export interface Directive {
  readonly line: number;
  readonly key: string;
  /** Undefined if there is no `=`. */
  readonly value: string | undefined;
}

/** Tells that the value of a directive cannot be used; returns undefined. */
export function refuse(
  { journal }: Reading,
  { line, key, value }: Directive,
  expected: string | { readonly expected: string; readonly note: string | undefined },
): undefined {
  const phrases = typeof expected === "string" ? { expected } : expected;
  tellProblem(journal, { line, path: key, found: value, ...phrases });
  return undefined;
}

/** Warns about a directive. */
export function warn({ journal }: Reading, { line, key }: Directive, message: string): void {
  tellWarning(journal, { line, path: key, message });
}

/** Longest run of digits that is a number of ours. */
const digitsMax = 9;

/**
 * The first whole number in the value: `-5` is 5, as for ldirectord.
 *
 * @param min Smallest number accepted; @param max largest.
 */
export function readInteger(
  reading: Reading,
  directive: Directive,
  { min, max, what }: { readonly min: number; readonly max: number; readonly what: string },
): number | undefined {
  const { value = "" } = directive;
  const digits = /\d+/.exec(value)?.[0];
  const number = digits === undefined || digits.length > digitsMax ? Number.NaN : Number(digits);
  if (!(number >= min && number <= max)) {
    return refuse(reading, directive, `${what} ${min}..${max}`);
  }
  if (digits !== value) warn(reading, directive, `Read as ${number}, as ldirectord does`);
  return number;
}

/** Seconds: up to a day, the longest interval and timeout of this program. */
export function readSeconds(reading: Reading, directive: Directive): number | undefined {
  return readInteger(reading, directive, { min: 1, max: 999_999_999, what: "seconds" });
}

/** A count of at least one. */
export function readCount(reading: Reading, directive: Directive): number | undefined {
  return readInteger(reading, directive, { min: 1, max: 999_999_999, what: "a number" });
}

/** `yes` or `no`, nothing else. */
export function readFlag(reading: Reading, directive: Directive): boolean | undefined {
  const { value = "" } = directive;
  if (value === "yes") return true;
  if (value === "no") return false;
  const note = /^(?:yes|no)\s*#/.test(value) ? commentNote : undefined;
  return refuse(reading, directive, { expected: '"yes" or "no"', note });
}

const commentNote = "outside of a virtual service a comment needs a line of its own";

/** One of some words. */
export function readWord<const T extends readonly string[]>(
  reading: Reading,
  directive: Directive,
  words: T,
): T[number] | undefined {
  const { value = "" } = directive;
  const word = words.find((one) => one === value);
  if (word !== undefined) return word;
  const note = suggestNote(value, words);
  return refuse(reading, directive, { expected: alternatives(words), note });
}

/** Text in double quotes, which must be there. */
export function readQuoted(reading: Reading, directive: Directive): string | undefined {
  const { value = "" } = directive;
  const text = /"(.*)"/.exec(value)?.[1];
  if (text !== undefined) return text;
  const note = value.startsWith('"') ? quoteNote : undefined;
  return refuse(reading, directive, { expected: "a text in double quotes", note });
}

const quoteNote = 'the second quote is missing; "#" starts a comment within quotes too';

/** Text with or without double quotes; not empty. */
export function readText(reading: Reading, directive: Directive): string | undefined {
  const { value = "" } = directive;
  const text = /^"?([^"]*)"?/.exec(value)?.[1] ?? "";
  return text === "" ? refuse(reading, directive, "a text") : text;
}

/** The value as it is; not empty. */
export function readPlain(reading: Reading, directive: Directive): string | undefined {
  const { value = "" } = directive;
  return value === "" ? refuse(reading, directive, "a text") : value;
}
