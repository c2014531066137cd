/**
 * Reading the directives of one block: each keyword has a handler, what has none is told. Pure.
 *
 * @module
 */

import { quoted } from "../notes.ts";
import type { Notes } from "../notes.ts";
import { reasonOf } from "./no-equal.ts";
import type { Directive } from "./tree.ts";

/** What to do with each keyword of a block. */
export type Handlers = Readonly<Record<string, (directive: Directive) => void>>;

/** Gives each directive of a block to its handler; warns of each that has none. */
export function readBlock(
  { words: [owner], block }: Directive,
  handlers: Handlers,
  notes: Notes,
): void {
  for (const directive of block ?? []) {
    const keyword = directive.words[0];
    if (keyword === undefined) continue;
    const handler = Object.hasOwn(handlers, keyword) ? handlers[keyword] : undefined;
    if (handler !== undefined) handler(directive);
    else leaveOut(directive, notes, owner);
  }
}

/** Tells that a directive has no equal here. */
export function leaveOut(directive: Directive, notes: Notes, owner?: string): void {
  const keyword = directive.words[0] ?? "";
  const place = owner === undefined ? "" : ` of ${owner}`;
  const reason = reasonOf(keyword);
  notes.warn(directive, `${quoted(keyword)}${place} is left out: ${reason}`);
}

/** Tells of words after those that mean something. */
export function expectNoMore(directive: Directive, count: number, notes: Notes): void {
  const rest = directive.words.slice(count);
  if (rest.length === 0) return;
  notes.warn(directive, `${quoted(rest.join(" "))} after ${directive.words[0]} is left out`);
}
