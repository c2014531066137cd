/**
 * Where a key or a list element stands in a TOML text, or in the text it was translated from.
 *
 * toml-eslint-parser keeps positions, but costs twenty times what smol-toml does in time and much
 * memory: it is loaded and run only once there is something to tell. Pure.
 *
 * @module
 */

import type { AST } from "toml-eslint-parser";
import type * as TomlParser from "toml-eslint-parser";

import type { Document, Path } from "./document.ts";

/** Line and column, both from 1; 0: not known. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Longest text whose positions are looked up, in characters: more would take GBs for a moment. */
export const positionTextMax = 2 * 1024 * 1024;

/** Deeper keys have the place of their parent: the configuration has none, and paths cost. */
const depthMax = 8;

/** Where nobody knows. */
export const unknownPosition: Position = { line: 0, column: 0 };

/** Finds positions in one document. A path that is not in the text has that of its parent. */
export type Locate = (path: Path) => Position;

/** Reads the positions of a whole document once. */
export function createLocate({ text, origin }: Document): Locate {
  if (origin !== undefined) return (path) => ({ line: origin(path).line, column: 0 });
  const positions = text.length > positionTextMax ? undefined : readPositions(text);
  if (positions === undefined) return () => unknownPosition;
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const position = positions.get(keyOf(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return { line: 1, column: 1 };
  };
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

function readPositions(text: string): Map<string, Position> | undefined {
  // Loaded here, not at the top: a director whose file is right never needs it.
  const { parseTOML }: typeof TomlParser = require("toml-eslint-parser");
  const positions = new Map<string, Position>();
  try {
    const [top] = parseTOML(text, { tomlVersion: "1.1" }).body;
    for (const node of top.body) {
      if (node.type === "TOMLKeyValue") addKeyValue(positions, [], node);
      else {
        addPrefixes(positions, node.resolvedKey, node.loc.start);
        for (const child of node.body) addKeyValue(positions, node.resolvedKey, child);
      }
    }
  } catch {
    // The two parsers may disagree on a corner of TOML; a problem without its line is still told.
    return undefined;
  }
  return positions;
}

function add(positions: Map<string, Position>, path: Path, start: AST.Position): void {
  const key = keyOf(path);
  if (!positions.has(key)) positions.set(key, { line: start.line, column: start.column + 1 });
}

/** `a.b.c` also is the place of `a` and `a.b`, unless they have their own. */
function addPrefixes(positions: Map<string, Position>, path: Path, start: AST.Position): void {
  for (let length = 1; length <= Math.min(path.length, depthMax); length++) {
    add(positions, path.slice(0, length), start);
  }
}

function addKeyValue(
  positions: Map<string, Position>,
  parent: Path,
  { key, value }: AST.TOMLKeyValue,
): void {
  const path = [...parent];
  for (const part of key.keys) {
    if (path.length >= depthMax) return;
    path.push(part.type === "TOMLBare" ? part.name : part.value);
    add(positions, path, part.loc.start);
  }
  addValue(positions, path, value);
}

function addValue(positions: Map<string, Position>, path: Path, value: AST.TOMLContentNode): void {
  switch (value.type) {
    case "TOMLArray":
      for (const [index, element] of value.elements.entries()) {
        add(positions, [...path, index], element.loc.start);
        addValue(positions, [...path, index], element);
      }
      break;
    case "TOMLInlineTable":
      for (const child of value.body) addKeyValue(positions, path, child);
      break;
    case "TOMLValue":
      break;
  }
}
