/**
 * One TOML text with its values, and places in it.
 *
 * smol-toml gives the values; it is fast but forgets where they stood. `position.ts` finds that
 * again, and only when something must be said about them. Pure.
 *
 * @module
 */

import { parse, TomlError } from "smol-toml";

import { errorText } from "../errors/index.ts";
import { unknownPosition as unknownAt } from "./position.ts";
import type { Position } from "./position.ts";

/** Largest file read: room for 20,000 services with servers, and no hang on what is no text. */
export const fileBytesMax = 16 * 1024 * 1024;

/** Deepest nesting of lists and inline tables; the configuration needs four. */
const nestingMax = 32;

/** Values of one table; what TOML allows, not yet checked. */
export type Table = Readonly<Record<string, unknown>>;

/** True for a table of any kind. */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keys and list indices from the top of a file. */
export type Path = readonly (string | number)[];

/** One file of the configuration. */
export interface Document {
  readonly file: string;
  readonly text: string;
  /** Undefined if the text is no TOML. */
  readonly table: Table | undefined;
  readonly fault: SyntaxFault | undefined;
  /** Set if `table` was made from a text in another language: where its keys come from. */
  readonly origin?: Origin;
}

/**
 * What a key or list element of a translated file was made from, in the words of that file.
 * `expected` takes the place of a phrase that only fits the native language.
 */
export type Origin = (path: Path) => {
  readonly line: number;
  readonly path: string;
  readonly expected?: string | undefined;
};

/** Why a text is no TOML, and where. */
export interface SyntaxFault extends Position {
  readonly expected: string;
  readonly found: string;
  readonly note: string | undefined;
  /** True if the report has it already, in other words. */
  readonly isTold?: boolean;
}

/** A key or list element of a document. */
export interface Place {
  readonly document: Document;
  readonly path: Path;
}

/** The place of a key or element below `place`. */
export function below(place: Place, ...keys: Path): Place {
  return { document: place.document, path: [...place.path, ...keys] };
}

/**
 * The path as it was written: `listen = "a:1"` and `listen = ["a:1"]` are checked alike, but only
 * one of them has an element 0.
 */
export function writtenPath({ document, path }: Place): Path {
  const written: (string | number)[] = [];
  let value: unknown = document.table;
  for (const key of path) {
    if (typeof key === "number") {
      if (value !== undefined && !Array.isArray(value)) continue;
      value = value?.[key];
    } else value = isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    written.push(key);
  }
  return written;
}

/** `virtual_service[0].check.interval`; keys that are no bare TOML keys are quoted. */
export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else {
      const name = /^[A-Za-z0-9_-]{1,64}$/.test(key) ? key : JSON.stringify(key.slice(0, 64));
      text += text === "" ? name : `.${name}`;
    }
  }
  return text;
}

/** Reads a text. Never throws: a text that is no TOML has a `fault`. */
export function parseDocument(text: string, file: string): Document {
  // Positions are easier to tell without the mark that some editors put first.
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const fault = binaryFault(plain);
  if (fault !== undefined) return { file, text: plain, table: undefined, fault };
  try {
    return { file, text: plain, table: parse(plain, { maxDepth: nestingMax }), fault: undefined };
  } catch (error) {
    return { file, text: plain, table: undefined, fault: syntaxFault(plain, error) };
  }
}

/** Line and column, both from 1, of an offset in a text. */
export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

function binaryFault(text: string): SyntaxFault | undefined {
  if (text.length > fileBytesMax) {
    const expected = `a file of at most ${fileBytesMax} bytes`;
    return { line: 0, column: 0, expected, found: `${text.length} characters`, note: undefined };
  }
  const offset = text.indexOf("\0");
  if (offset === -1) return undefined;
  return {
    ...positionOf(text, offset),
    expected: "text",
    found: "a NUL byte",
    note: "the file is binary, or was written only in part",
  };
}

function syntaxFault(text: string, error: unknown): SyntaxFault {
  const at = error instanceof TomlError ? { line: error.line, column: error.column } : unknownAt;
  const reason = errorText(error)
    .replace(/^Invalid TOML document: /, "")
    .replace(/\s*\n[^]*$/, "");
  return { ...at, expected: "valid TOML", found: foundAt(text, at), note: reason };
}

/** One character at a position, no more: the rest of the line may be a secret. */
function foundAt(text: string, { line, column }: Position): string {
  const lines = text.split("\n");
  const content = lines[line - 1] ?? "";
  if (column - 1 < content.replace(/\r$/, "").length) {
    return JSON.stringify(String.fromCodePoint(content.codePointAt(column - 1)!));
  }
  return line >= lines.length ? "the end of the file" : "the end of the line";
}
