/**
 * What the file system said, as the name of its errno. Pure.
 *
 * @module
 */

/** `ENOENT` and its like; undefined if `error` has none. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
