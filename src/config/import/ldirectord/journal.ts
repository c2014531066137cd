/**
 * What is wrong with a file of another program, collected while it is read: line by line, bounded.
 *
 * @module
 */

import { describeValue, problemsMax } from "../../problem.ts";
import type { Problem, Warning } from "../../problem.ts";

/** Warnings above this number are counted, not told. */
const warningsMax = 1000;

/** Collects problems and warnings of one file; the caller owns it. */
export interface Journal {
  readonly file: string;
  readonly problems: Problem[];
  readonly warnings: Warning[];
  /** Problems beyond those kept. */
  omitted: number;
}

/** Creates an empty one. */
export function createJournal(file: string): Journal {
  return { file, problems: [], warnings: [], omitted: 0 };
}

/** What a {@link tellProblem} is about. */
export interface Fault {
  readonly line: number;
  /** The directive; empty for a line that has none. */
  readonly path: string;
  readonly expected: string;
  /** A value to be shown; nothing of it is, if it may be a secret. */
  readonly found: string | undefined;
  readonly note?: string | undefined;
}

const secretDirectives: ReadonlySet<string> = new Set(["login", "passwd", "secret", "database"]);

/** Adds a problem. */
export function tellProblem(journal: Journal, fault: Fault): void {
  if (journal.problems.length >= problemsMax) {
    journal.omitted++;
    return;
  }
  const { line, path, expected, note } = fault;
  const found = secretDirectives.has(path) ? "another text" : describeValue(fault.found);
  const message = `Expected ${expected}${note === undefined ? "" : ` (${note})`}`;
  journal.problems.push({ file: journal.file, line, column: 0, path, expected, found, message });
}

/** Adds a warning, or drops it if there are too many. */
export function tellWarning(journal: Journal, warning: Omit<Warning, "file">): void {
  if (journal.warnings.length >= warningsMax) return;
  journal.warnings.push({ file: journal.file, ...warning });
}
