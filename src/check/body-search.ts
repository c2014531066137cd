/**
 * Looks for `receive` in a body that arrives in parts.
 *
 * The pattern is RE2's (re2js): linear time whatever the pattern. It is searched unanchored in the
 * whole body, as ldirectord does it: `^` and `$` are the ends of the body, `$` also stands before a
 * last newline, `.` takes no newline, `(?m)` and `(?s)` change that. The body is read as UTF-8.
 *
 * Searching again after every part would cost the square of the body when it drips in, so there is
 * a budget; beyond it the body is searched when it has doubled and at its end.
 *
 * @module
 */

import type { RE2JS } from "re2js";

/** Bytes searched again and again before parts are collected first: eight bodies of full length. */
const eagerBytesMax = 8 * 64 * 1024;

/** True if more text could turn a match into none: such a pattern is tried on the end only. */
function dependsOnEnd(pattern: string): boolean {
  return /\$|\\[bBz]/.test(pattern);
}

/** Compiles a pattern; undefined if it is none, which the configuration has refused before. */
export async function compilePattern(pattern: string): Promise<RE2JS | undefined> {
  // Loaded by the first check that has a pattern: others need not pay for its memory.
  const { RE2JS: engine } = await import("re2js");
  try {
    return engine.compile(pattern);
  } catch {
    return undefined;
  }
}

/** What follows the body so far: maybe more, something that is not looked at, or nothing. */
export type BodyStage = "partial" | "cut" | "complete";

/** One search through one body. */
export interface BodySearch {
  /** Looks at the body so far. True once the pattern has matched. */
  look(body: Uint8Array, stage: BodyStage): boolean;
}

/** Stands for what was cut off, so that a cut does not look like the end of the body. */
const cutMark = "\u0000";

/** Starts a search. */
export function createBodySearch(pattern: RE2JS): BodySearch {
  const waitsForEnd = dependsOnEnd(pattern.pattern());
  const decoder = new TextDecoder();
  let searchedBytes = 0;
  let lastBytes = -1;

  const isWorthwhile = (bodyBytes: number): boolean => {
    if (waitsForEnd || bodyBytes === lastBytes) return false;
    return searchedBytes <= eagerBytesMax || bodyBytes >= lastBytes * 2;
  };

  return {
    look(body, stage) {
      if (stage === "partial" && !isWorthwhile(body.length)) return false;
      searchedBytes += body.length;
      lastBytes = body.length;
      const text = decoder.decode(body);
      if (pattern.test(stage === "cut" ? text + cutMark : text)) return true;
      // Perl's `$` stands before a newline at the end, RE2's does not.
      const hasTail = stage === "complete" && waitsForEnd && text.endsWith("\n");
      return hasTail && pattern.test(text.slice(0, -1));
    },
  };
}
