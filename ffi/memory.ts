/**
 * Advice on memory mappings (madvise(2)).
 *
 * @module
 */

import { libc } from "./libc.ts";

const MADV_DONTNEED = 4;

/**
 * Lets the kernel forget which pages of a mapping are in use; pages that still are come back from
 * the page cache at their next use. Only for mappings that nobody wrote to: what was written to a
 * private mapping would be lost.
 *
 * @param start Page-aligned address. @param bytes Length of the mapping.
 * @returns False if the kernel refused, for example because the pages are locked.
 */
export function forgetCleanPages(start: bigint, bytes: bigint): boolean {
  return libc.madvise(start, bytes, MADV_DONTNEED) === 0;
}
