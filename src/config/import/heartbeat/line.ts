/**
 * Lines of Heartbeat's files as words: comments, continued lines, the line they began at. Pure.
 *
 * Better than Heartbeat, at no file's cost: a byte-order mark is skipped, CR LF is LF.
 *
 * @module
 */

import type { Origin } from "../notes.ts";

/** One line that says something. */
export interface Line extends Origin {
  /** At least one; split at blanks and tabs. */
  readonly words: readonly string[];
}

/** A value, and where it was written. */
export interface Placed<T> extends Origin {
  readonly value: T;
}

/** A text and its name in messages. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** How a file writes comments, and whether a `\` at the end of a line continues it. */
export interface LineRules {
  readonly comment: RegExp;
  readonly isContinued: boolean;
}

/** ha.cf: a `#` begins a comment wherever it stands. */
export const haCfRules: LineRules = { comment: /#.*$/, isContinued: false };

/** haresources: arguments may have a `#` in them. */
export const haresourcesRules: LineRules = { comment: /(?:^|\s)#.*$/, isContinued: true };

/** authkeys: a secret may begin with `#`, so a comment is a whole line. */
export const authkeysRules: LineRules = { comment: /^\s*#.*$/, isContinued: false };

/** Splits a text. Lines without a word are left out. */
export function readLines({ file, text }: NamedText, rules: LineRules): readonly Line[] {
  const lines: Line[] = [];
  let words: string[] = [];
  let start = 0;
  const flush = (): void => {
    if (words.length > 0) lines.push({ file, line: start, words });
    words = [];
    start = 0;
  };
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const plain = raw.replace(/\r$/, "").replace(rules.comment, "");
    const isContinued = rules.isContinued && /\\\s*$/.test(plain);
    const found = (isContinued ? plain.replace(/\\\s*$/, "") : plain).split(/\s+/).filter(Boolean);
    // A comment between continued lines does not end them, an empty line does.
    const isComment = raw.trim() !== "" && plain.trim() === "";
    if (start === 0) start = index + 1;
    for (const word of found) words.push(word);
    if (!isContinued && !(isComment && words.length > 0)) flush();
    else if (words.length === 0) start = 0;
  }
  flush();
  return lines;
}
