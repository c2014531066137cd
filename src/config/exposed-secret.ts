/**
 * Secrets that stand in a configuration file itself. Pure.
 *
 * A key or token file that others can read is refused. A configuration is only warned of: those of
 * ldirectord were readable by everybody for twenty years.
 *
 * @module
 */
import { isTable } from "./document.ts";
import type { Path } from "./document.ts";
import { secretKeys } from "./explain.ts";

/** Permission of everybody else to read a file, chmod(2). */
const othersRead = 0o004;

/** Where the first secret of a table stands; undefined: it has none. */
export function findSecret(value: unknown, path: Path = []): Path | undefined {
  if (!Array.isArray(value) && !isTable(value)) return undefined;
  const entries: Iterable<readonly [string | number, unknown]> = Array.isArray(value)
    ? value.entries()
    : Object.entries(value);
  for (const [key, inner] of entries) {
    if (secretKeys.has(key) && typeof inner === "string") return [...path, key];
    const found = findSecret(inner, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * What to tell of a file with this mode and these contents.
 *
 * @returns where, and a sentence; undefined if nothing is to be told.
 */
export function warnOfExposure(
  table: unknown,
  mode: number,
): { readonly path: Path; readonly message: string } | undefined {
  if ((mode & othersRead) === 0) return undefined;
  const path = findSecret(table);
  if (path === undefined) return undefined;
  return { path, message: "Others can read this file, and a secret stands in it; chmod o= it" };
}
