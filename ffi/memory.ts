/**
 * Memory mappings: advice (madvise(2)), locks (mlock2(2)), and memory shared with the kernel
 * (mmap(2)).
 *
 * @module
 */

import { toArrayBuffer } from "bun:ffi";

import { SyscallError } from "./errno.ts";
import { errno, libc } from "./libc.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

const MADV_DONTNEED = 4;
const MLOCK_ONFAULT = 1;

/** Memory that a file is mapped to. */
export interface FileMapping {
  readonly start: bigint;
  readonly bytes: bigint;
}

/**
 * Mappings of files that nobody can have written to, in the text of /proc/PID/maps (proc(5)):
 * private, not writable.
 *
 * @param kind `code`: executable ones; `all`: also constants.
 */
export function fileMappings(maps: string, kind: "code" | "all"): readonly FileMapping[] {
  const mode = kind === "code" ? "r-xp" : "r-[x-]p";
  const pattern = new RegExp(
    `^([0-9a-f]+)-([0-9a-f]+) ${mode} [0-9a-f]+ \\S+ [1-9]\\d* +/.*$`,
    "gm",
  );
  return [...maps.matchAll(pattern)].map(([, from, to]) => {
    const start = BigInt(`0x${from}`);
    return { start, bytes: BigInt(`0x${to}`) - start };
  });
}

/**
 * Keeps the pages of a mapping in memory from the first time that they are used.
 *
 * @param start Page-aligned address. @param bytes Length of the mapping.
 * @returns False if the kernel refused; errno says why.
 */
export function lockPages(start: bigint, bytes: bigint): boolean {
  return libc.mlock2(start, bytes, MLOCK_ONFAULT) === 0;
}

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

/** Memory that somebody else sees too, and the way to give it back. */
export interface SharedMapping {
  /** Not to be touched after {@link unmap}: the process would crash. */
  readonly bytes: ArrayBuffer;
  unmap(): void;
}

/** A part that is mapped. */
export interface MappingOptions {
  /** Where it begins, a multiple of the page size. @default 0 */
  readonly offset?: number;
  /** Writing to it ends the process. @default false */
  readonly isReadOnly?: boolean;
}

/**
 * Maps `length` bytes of what is open at `fd`, for reading and writing.
 *
 * @param length A multiple of the page size.
 * @throws {SyscallError} `EPERM`, `EACCES`; `ENODEV` if it cannot be mapped.
 */
export function mapShared(
  fd: number,
  length: number,
  { offset = 0, isReadOnly = false }: MappingOptions = {},
): SharedMapping {
  const protection = isReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  const address = libc.mmap(0, length, protection, MAP_SHARED, fd, offset);
  if (address === MAP_FAILED) throw new SyscallError("mmap", errno(), `fd ${fd}`);
  const bytes = toArrayBuffer(Number(address), 0, length);
  return { bytes, unmap: () => void libc.munmap(address, length) };
}
