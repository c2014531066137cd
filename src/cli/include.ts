/**
 * Reads the files that an `include` of another program names, for `appliance import`.
 *
 * @module
 */

import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Largest file read, and most files of one pattern: as the importer's own bounds. */
const fileBytesMax = 16 * 1024 * 1024;
const matchesMax = 1000;

/** One included file. */
export interface IncludedText {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads the files that `pattern` matches, relative to the folder of `file`, in the order of their
 * names. What is no regular file, or larger than 16 MiB, is no match.
 *
 * @throws {Error} of the file system, for a file that cannot be read.
 */
export function readIncluded(pattern: string, file: string): readonly IncludedText[] {
  const path = resolve(dirname(file), pattern);
  const matches = globSync(path).toSorted().slice(0, matchesMax);
  return matches.filter(isReadable).map((one) => ({ file: one, text: readFileSync(one, "utf8") }));
}

function isReadable(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && status.isFile() && status.size <= fileBytesMax;
}
