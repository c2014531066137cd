/**
 * What is told of Heartbeat's files: warnings as for other importers, and problems that forbid the
 * use of the files. Mutable, lives for one import.
 *
 * @module
 */

import { problemsMax } from "../../problem.ts";
import type { Problem } from "../../problem.ts";
import { createNotes } from "../notes.ts";
import type { Notes, Origin } from "../notes.ts";

/** Collects what is told. */
export interface Told extends Pick<Notes, "warn" | "finish"> {
  /** A problem of one of the three files; `found` is in words and never a secret. */
  refuse(at: Origin, expected: string, found: string): void;
  /** Problems that another reader has found. */
  pass(problems: readonly Problem[], omitted: number): void;
  /** Problems so far, and how many there are beyond them. */
  refused(): { readonly problems: readonly Problem[]; readonly omitted: number };
}

/** Creates an empty collection. */
export function createTold(): Told {
  const notes = createNotes();
  const problems: Problem[] = [];
  let lost = 0;
  const pass = (more: readonly Problem[], omitted: number): void => {
    const taken = more.slice(0, problemsMax - problems.length);
    problems.push(...taken);
    lost += omitted + more.length - taken.length;
  };
  return {
    warn: (at, message) => notes.warn(at, message),
    finish: (file) => notes.finish(file),
    pass,
    refuse({ file, line }, expected, found) {
      const message = `Expected ${expected}`;
      pass([{ file, line, column: 0, path: "", expected, found, message }], 0);
    },
    refused: () => ({ problems, omitted: lost }),
  };
}
