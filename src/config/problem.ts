/**
 * What is wrong with a configuration, told so that it can be mended: where, what was expected,
 * what was found. Pure.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";

/** One fault of a configuration file. */
export interface Problem {
  /** As it was named on the command line, or by an `include`. */
  readonly file: string;
  /** From 1; 0 if it is not known (a file above {@link positionTextMax}). */
  readonly line: number;
  /** From 1; 0 if it is not known. */
  readonly column: number;
  /** For example `virtual_service[0].check.interval`; empty for the file as a whole. */
  readonly path: string;
  /** Phrase without a verb: `a duration such as "5s"`. */
  readonly expected: string;
  /** What stands there instead; never a secret. */
  readonly found: string;
  /** `Expected …`, with a hint in brackets where there is one. */
  readonly message: string;
}

/** Something that works, but hardly as it was meant. */
export interface Warning {
  readonly file: string;
  /** From 1; 0 if it is not known. */
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

/** Texts longer than this are cut in messages, so that one line stays one line. */
const foundCharactersMax = 60;

/** Problems above this number are counted, not told: nobody mends more in one go. */
export const problemsMax = 200;

/** `file:line: path: message, got X`, in one line. */
export function formatProblem({ file, line, path, message, found }: Problem): string {
  return `${formatPlace(file, line)}: ${path === "" ? "" : `${path}: `}${message}, got ${found}`;
}

/** `file:line: path: message`, in one line. */
export function formatWarning({ file, line, path, message }: Warning): string {
  return `${formatPlace(file, line)}: ${path === "" ? "" : `${path}: `}${message}`;
}

/** `file:line`, or the file alone if the line is not known. */
export function formatPlace(file: string, line: number): string {
  return line === 0 ? file : `${file}:${line}`;
}

/** The value as an operator would recognise it: texts quoted and cut, tables and lists named. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return describeText(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  return "a table";
}

function describeText(text: string): string {
  if (text.length <= foundCharactersMax) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, foundCharactersMax))}… (${text.length} characters)`;
}

/**
 * The configuration cannot be used; `problems` holds every fault, in the order of the files.
 *
 * Code `CONFIG_INVALID`. The message has a line for each problem.
 */
export class ConfigError extends ApplianceError {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];
  /** Problems beyond {@link problemsMax} that are not in `problems`. */
  readonly omitted: number;

  constructor(problems: readonly Problem[], omitted = 0) {
    const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
    if (omitted > 0) lines.push(`  and ${omitted} more`);
    super("CONFIG_INVALID", `Cannot use the configuration:\n${lines.join("\n")}`);
    this.problems = problems;
    this.omitted = omitted;
  }
}
