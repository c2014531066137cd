/**
 * Collects what is wrong and what is doubtful while a configuration is checked; lines are looked
 * up once, at the end. Mutable, lives for one check.
 *
 * @module
 */

import { formatPath, writtenPath } from "./document.ts";
import type { Document, Place } from "./document.ts";
import { createLocate } from "./position.ts";
import type { Locate, Position } from "./position.ts";
import { ConfigError, describeValue, formatPlace, problemsMax } from "./problem.ts";
import type { Problem, Warning } from "./problem.ts";

/** A fault as its finder tells it. */
export interface Finding {
  /** Phrase without a verb, as {@link Problem.expected}. */
  readonly expected: string;
  /** The value found; or `foundText`, already in words. */
  readonly found?: unknown;
  readonly foundText?: string;
  /** Hint in brackets. */
  readonly note?: string | undefined;
  /** Place the note speaks of; its `file:line` ends the note. */
  readonly other?: Place | undefined;
}

/** Takes findings; {@link finish} tells them. */
export interface Report {
  problem(place: Place, finding: Finding): void;
  /** Something of the product that this build cannot do. */
  later(place: Place, what: string, finding: Finding): void;
  warn(place: Place, message: string): void;
  /** A text that is no TOML. */
  syntax(document: Document): void;
  /** True once there is a problem. */
  hasProblems(): boolean;
}

interface Entry {
  readonly place: Place;
  readonly position?: Position;
  readonly finding: Finding;
}

/** What the reader of another program's file has found. */
export interface ForeignFindings {
  readonly problems: readonly Problem[];
  /** Problems beyond those told. */
  readonly omitted: number;
  readonly warnings: readonly Warning[];
}

/** What {@link createReport} returns: the report, and its end. */
export interface OpenReport extends Report {
  /** Takes what was found where this report has not looked. */
  foreign(findings: ForeignFindings): void;
  /**
   * Looks up the lines.
   *
   * @returns The warnings, in the order of the files.
   * @throws {ConfigError} `CONFIG_INVALID` with every problem, if there is one.
   */
  finish(documents: readonly Document[]): readonly Warning[];
}

/** Creates an empty report. */
export function createReport(): OpenReport {
  const entries: Entry[] = [];
  // A server of a group is checked for each service that has the group.
  const seen = new Set<string>();
  const warnings: { place: Place; message: string }[] = [];
  const foreign: ForeignFindings[] = [];
  const isNew = (place: Place, text: string): boolean => {
    const key = JSON.stringify([place.document.file, place.path, text]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const problem = (place: Place, finding: Finding): void => {
    if (isNew(place, `${finding.expected} ${finding.note}`)) entries.push({ place, finding });
  };
  return {
    problem,
    later(place, what, finding) {
      problem(place, { ...finding, note: `${what} is not in this build yet` });
    },
    warn(place, message) {
      if (isNew(place, message)) warnings.push({ place, message });
    },
    syntax(document) {
      const { fault } = document;
      if (fault === undefined || fault.isTold === true) return;
      const { expected, found, note, line, column } = fault;
      const place = { document, path: [] };
      entries.push({
        place,
        position: { line, column },
        finding: { expected, foundText: found, note },
      });
    },
    foreign: (findings) => void foreign.push(findings),
    hasProblems: () => entries.length > 0 || foreign.some(({ problems }) => problems.length > 0),
    finish(documents) {
      const locator = createLocator();
      const found = foreign.flatMap(({ problems }) => problems);
      const omitted = foreign.reduce((sum, one) => sum + one.omitted, 0);
      if (entries.length + found.length > 0) {
        const own = entries.slice(0, problemsMax).map((entry) => tell(entry, locator));
        const problems = [...found, ...own].slice(0, problemsMax);
        const lost = found.length + entries.length - problems.length;
        throw new ConfigError(sortByPlace(problems, documents), lost + omitted);
      }
      const told = warnings.map(({ place, message }) => ({
        ...head(place, locator(place)),
        message,
      }));
      const translated = new Set(
        documents.filter(({ origin }) => origin !== undefined).map(({ file }) => file),
      );
      const all = [...foreign.flatMap((one) => one.warnings), ...told];
      return sortByPlace(joinEqual(all, translated), documents);
    },
  };
}

/**
 * One warning for all of a kind in the `files`: there each service has the same ones, as nothing
 * can be said once for all of them.
 */
function joinEqual(warnings: readonly Warning[], files: ReadonlySet<string>): readonly Warning[] {
  const counts = new Map<string, number>();
  const keyOf = ({ file, path, message }: Warning): string => `${file}\n${path}\n${message}`;
  const kept = warnings.filter((warning) => {
    if (!files.has(warning.file)) return true;
    const key = keyOf(warning);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count === 1;
  });
  return kept.map((warning) => {
    const more = (counts.get(keyOf(warning)) ?? 1) - 1;
    return more === 0
      ? warning
      : { ...warning, message: `${warning.message}; and ${more} more like this` };
  });
}

type Locator = (place: Place) => Position;

function createLocator(): Locator {
  const byDocument = new Map<Document, Locate>();
  return ({ document, path }) => {
    let locate = byDocument.get(document);
    if (locate === undefined) {
      locate = createLocate(document);
      byDocument.set(document, locate);
    }
    return locate(path);
  };
}

function head(place: Place, position: Position): Omit<Problem, "expected" | "found" | "message"> {
  const { document } = place;
  const path = document.origin?.(place.path).path ?? formatPath(writtenPath(place));
  return { file: document.file, ...position, path };
}

function tell({ place, position, finding }: Entry, locator: Locator): Problem {
  const { found, foundText, note, other } = finding;
  const expected = place.document.origin?.(place.path).expected ?? finding.expected;
  const where = other === undefined ? "" : formatPlace(other.document.file, locator(other).line);
  const hint = [note, where].filter((text) => text !== undefined && text !== "").join(" ");
  return {
    ...head(place, position ?? locator(place)),
    expected,
    found: foundText ?? describeValue(found),
    message: `Expected ${expected}${hint === "" ? "" : ` (${hint})`}`,
  };
}

function sortByPlace<T extends Pick<Warning, "file" | "line">>(
  items: readonly T[],
  documents: readonly Document[],
): readonly T[] {
  const order = new Map(documents.map(({ file }, index) => [file, index]));
  const rank = ({ file }: T): number => order.get(file) ?? 0;
  return items.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line);
}
