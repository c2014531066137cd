/**
 * Words and braces to a tree of directives with their places; includes, parameters and conditional
 * lines are resolved here. Never throws; nesting, files and directives are bounded.
 *
 * @module
 */

import { errorText } from "../../../errors/index.ts";
import { quoted } from "../notes.ts";
import type { Notes, Origin } from "../notes.ts";
import { lex } from "./lexer.ts";
import type { Token } from "./lexer.ts";
import { expandMacros } from "./macro.ts";
import type { Macros } from "./macro.ts";

/** One directive: its words, the first of which names it, and what stands in its braces. */
export interface Directive extends Origin {
  readonly words: readonly string[];
  /** Undefined without braces. */
  block: Directive[] | undefined;
}

/** A file that an `include` names. */
export interface IncludedFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads what an `include` names: a path or a pattern, relative to the folder of `file`. What it
 * throws becomes a warning.
 */
export type ReadInclude = (pattern: string, file: string) => readonly IncludedFile[];

/** Deepest nesting of braces; keepalived's own needs five. */
const nestingMax = 32;
/** Deepest nesting of includes, and most files: also what ends files that include each other. */
const includeDepthMax = 8;
const includesMax = 1000;
/** Characters of all files together, and directives: room for 20,000 services. */
const charactersMax = 16 * 1024 * 1024;
const directivesMax = 1_000_000;

interface Builder {
  readonly notes: Notes;
  readonly readInclude: ReadInclude | undefined;
  readonly macros: Macros;
  charactersLeft: number;
  directivesLeft: number;
  includesLeft: number;
}

/** Reads a text and what it includes; what cannot be read is told in `notes`. */
export function readTree(
  { file, text }: IncludedFile,
  notes: Notes,
  readInclude?: ReadInclude,
): Directive[] {
  const builder = {
    notes,
    readInclude,
    macros: new Map<string, string>(),
    charactersLeft: charactersMax,
    directivesLeft: directivesMax,
    includesLeft: includesMax,
  };
  const top: Directive[] = [];
  addFile(builder, { file, text, depth: 0 }, top);
  return top;
}

interface Source extends IncludedFile {
  readonly depth: number;
}

/** State while the tokens of one file are read. */
interface Reader {
  readonly builder: Builder;
  readonly source: Source;
  /** Lists that are open, the innermost last. */
  readonly stack: Directive[][];
  /** Open braces beyond {@link nestingMax}. */
  skipped: number;
  /** The directive that a `{` would belong to. */
  last: Directive | undefined;
}

function addFile(builder: Builder, source: Source, into: Directive[]): void {
  const { notes } = builder;
  const { file, text } = source;
  builder.charactersLeft -= text.length;
  if (builder.charactersLeft < 0) {
    notes.problem({ file, line: 0 }, `More than ${charactersMax} characters: the file is left out`);
    return;
  }
  const reader: Reader = { builder, source, stack: [into], skipped: 0, last: undefined };
  for (const token of lex(text)) {
    if (builder.directivesLeft <= 0) {
      const message = `More than ${directivesMax} directives: the rest is left out`;
      notes.problem({ file, line: token.line }, message);
      return;
    }
    addToken(reader, token);
  }
  if (reader.stack.length > 1 || reader.skipped > 0) {
    notes.warn({ file, line: lastLine(text) }, 'A "}" is missing at the end of the file');
  }
}

function lastLine(text: string): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < text.length - 1;) {
    line += 1;
    at = text.indexOf("\n", at + 1);
  }
  return line;
}

function addToken(reader: Reader, token: Token): void {
  const { builder, source } = reader;
  const at = { file: source.file, line: token.line };
  builder.directivesLeft -= 1;
  if (token.kind === "open") openBlock(reader, at);
  else if (token.kind === "close") closeBlock(reader, at);
  else if (reader.skipped > 0) return;
  else if (token.kind === "words") addWords(reader, at, token.words);
  else if (token.value.includes("\n")) {
    const message = `$${token.name} has several lines, which cannot be imported: it is left out`;
    builder.notes.warn(at, message);
  } else builder.macros.set(token.name, token.value);
}

function openBlock(reader: Reader, at: Origin): void {
  if (reader.skipped > 0 || reader.stack.length > nestingMax) {
    if (reader.skipped === 0) {
      const message = `Braces are nested more than ${nestingMax} deep: these are left out`;
      reader.builder.notes.warn(at, message);
    }
    reader.skipped += 1;
    return;
  }
  let owner = reader.last;
  if (owner === undefined || owner.block !== undefined) {
    reader.builder.notes.warn(at, 'A "{" without a name before it: its content is left out');
    owner = { ...at, words: [], block: undefined };
  }
  owner.block = [];
  reader.stack.push(owner.block);
  reader.last = undefined;
}

function closeBlock(reader: Reader, at: Origin): void {
  reader.last = undefined;
  if (reader.skipped > 0) reader.skipped -= 1;
  else if (reader.stack.length > 1) reader.stack.pop();
  else reader.builder.notes.warn(at, 'A "}" without a "{" before it: it is left out');
}

function addWords(reader: Reader, at: Origin, raw: readonly string[]): void {
  const { builder, source, stack } = reader;
  const expanded = expandWords(builder, at, raw);
  const { words, isKept } = takeCondition(builder, at, expanded);
  reader.last = undefined;
  if (words.length === 0) return;
  const list = stack.at(-1)!;
  if (isKept && /^include[rmwba]?$/.test(words[0]!) && words.length > 1) {
    include(builder, { at, pattern: words[1]!, depth: source.depth + 1 }, list);
    return;
  }
  reader.last = { ...at, words, block: undefined };
  // A line that is left out still owns the braces that follow it.
  if (isKept) list.push(reader.last);
}

function expandWords(builder: Builder, at: Origin, raw: readonly string[]): readonly string[] {
  if (!raw.some((word) => word.includes("$"))) return raw;
  return raw.flatMap((word) => {
    const { text, missing } = expandMacros(word, builder.macros);
    for (const name of missing) {
      builder.notes.warn(at, `$${name} has no value in this file`);
    }
    // A value of several words counts as several, but not within quotes.
    return /\s/.test(word) || !/\s/.test(text) ? [text] : text.split(/\s+/);
  });
}

/**
 * `@id words`: for one host only; `@^id words`: for all but one. Nothing says which host this is,
 * so it is none of those named, as if keepalived ran without a matching identifier.
 */
function takeCondition({ notes }: Builder, at: Origin, words: readonly string[]) {
  const first = words[0] ?? "";
  if (!/^@\^?\w/.test(first)) return { words, isKept: true };
  const isKept = first.startsWith("@^");
  const done = isKept ? "taken" : "left out";
  notes.warn(at, `Conditional line ${quoted(first)}: it is ${done}, as for a host of another name`);
  return { words: words.slice(1), isKept };
}

interface Include {
  readonly at: Origin;
  readonly pattern: string;
  readonly depth: number;
}

function include(builder: Builder, { at, pattern, depth }: Include, into: Directive[]): void {
  const { notes, readInclude } = builder;
  if (readInclude === undefined) {
    notes.warn(at, `Included files ${quoted(pattern)} are not read`);
    return;
  }
  if (depth > includeDepthMax) {
    notes.warn(at, `Includes are nested more than ${includeDepthMax} deep: it is left out`);
    return;
  }
  const files = tryRead(builder, at, pattern);
  if (files?.length === 0) notes.warn(at, `No file matches ${quoted(pattern)}`);
  for (const { file, text } of files ?? []) {
    builder.includesLeft -= 1;
    if (builder.includesLeft < 0) {
      notes.warn(at, `More than ${includesMax} included files: the rest is left out`);
      return;
    }
    addFile(builder, { file, text, depth }, into);
  }
}

function tryRead({ notes, readInclude }: Builder, { file, line }: Origin, pattern: string) {
  try {
    return readInclude!(pattern, file);
  } catch (error) {
    const message = `Cannot read ${quoted(pattern)}: ${quoted(errorText(error))}`;
    notes.warn({ file, line }, message);
    return undefined;
  }
}
